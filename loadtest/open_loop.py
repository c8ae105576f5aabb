"""Predictions sent at planned times over HTTP/1.1, whether or not earlier ones are answered."""

import asyncio
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answer", "send"]

OK = b"200"
FEATURES = re.compile(rb"\bfeatures;dur=([0-9.]+)")
LENGTH = re.compile(rb"^content-length: *([0-9]+)", re.IGNORECASE | re.MULTILINE)
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one request: milliseconds from the planned send time, and of the stage of features.

    `sent_late_ms` is how long after the planned time it went out, for want of a connection or of
    CPU for the generator. A request that failed has `error`, and counts as long as it took.
    """

    latency_ms: float
    sent_late_ms: float
    features_ms: float = 0.0
    degraded: bool = False
    error: str = ""


async def send(
    port: int, bodies: Sequence[str], times: NDArray[np.float64], connections: int
) -> list[Answer]:
    """Post the bodies in turn at the planned times; the answers in the order in which they came."""
    requests = [_request(body) for body in bodies]
    queue, begin = iter(enumerate(times.tolist())), time.perf_counter() + 0.1
    answers: list[Answer] = []

    async def connection() -> None:
        streams = None
        for number, offset in queue:
            await asyncio.sleep(begin + offset - time.perf_counter())
            streams = streams or await asyncio.open_connection("127.0.0.1", port)
            answer = await _exchange(streams, requests[number % len(requests)], begin + offset)
            answers.append(answer)
            if answer.error:
                streams[1].close()
                streams = None
        if streams:
            streams[1].close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(connection())
    return answers


def _request(body: str) -> bytes:
    data = body.encode()
    head = "POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data


async def _exchange(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes, due: float
) -> Answer:
    reader, writer = streams
    late = (time.perf_counter() - due) * 1e3
    try:
        async with asyncio.timeout(TIMEOUT_S):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
    except (TimeoutError, OSError, EOFError) as error:
        return Answer((time.perf_counter() - due) * 1e3, late, error=type(error).__name__)
    taken = (time.perf_counter() - due) * 1e3
    status = head.split(maxsplit=2)[1]
    if status != OK:
        return Answer(taken, late, error=status.decode())
    features = FEATURES.search(head)
    spent = float(features[1]) if features else 0.0
    return Answer(taken, late, spent, bool(json.loads(body)["degraded"]))


def _length(head: bytes) -> int:
    length = LENGTH.search(head)
    if length is None:
        raise OSError("an answer without a length")
    return int(length[1])
