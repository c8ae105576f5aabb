"""What the store needs of the servers, be it one or a cluster, and the one."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Protocol

import numpy as np
from hiredis import ReplyError
from numpy.typing import NDArray

from featurestore.errors import StoreError, StoreUnavailable
from featurestore.redis.link import Access
from featurestore.redis.node import Node
from featurestore.redis.protocol import LATE, Outcome, command
from featurestore.redis.translation import anew, translated
from featuretable import RowReader
from idcolumn import IdColumn

__all__ = ["Part", "Servers", "Single", "is_value", "outcomes", "proven"]

# Others' commands are answered in between: one of 100 keys takes a server some 30 us.
MGET_KEYS = 100
PING = command(b"PING")
VALUES = {bytes, type(None)}


@dataclass(slots=True)
class Part:
    """What became of some rows of a fetch.

    `rows` says which, None that it is all. The outcome is a RowReader that has them all, a list of
    their values, or LATE or a StoreError for all of them.
    """

    rows: NDArray[np.intp] | None
    outcome: Outcome


class Servers(Protocol):
    """The servers of a store."""

    async def read(
        self, prefix: bytes, ids: IdColumn, features: int, deadline: float
    ) -> list[Part]:
        """Read the values under prefix + id of every id, each in exactly one part.

        Values of so many features are expected, and others are read as well.
        """
        ...

    async def field(self, key: bytes, name: bytes, deadline: float) -> Outcome:
        """Read a field of a hash: bytes, None where there is none, LATE or a StoreError."""
        ...

    async def check(self, deadline: float) -> None:
        """Prove that every server answers."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Single:
    """One server, or what looks like one."""

    def __init__(self, access: Access) -> None:
        settings = access.settings
        self._node = Node(settings.endpoint.address, access, settings.connections)

    async def read(
        self, prefix: bytes, ids: IdColumn, features: int, deadline: float
    ) -> list[Part]:
        """See `Servers.read`."""
        request = ids.to_mget(prefix, MGET_KEYS)
        rows = RowReader(len(ids), MGET_KEYS, features)
        fits = partial(_are_values, _sizes(len(ids)))
        future = self._node.submit(request, fits, -(-len(ids) // MGET_KEYS), rows)
        (outcome,) = await outcomes([future], deadline)
        if not isinstance(outcome, list):
            return [Part(None, outcome)]
        return _parts(self._node, outcome, len(ids))

    async def field(self, key: bytes, name: bytes, deadline: float) -> Outcome:
        """See `Servers.field`."""
        future = self._node.submit(command(b"HGET", key, name), is_value)
        (outcome,) = await outcomes([future], deadline)
        return told(self._node, outcome)

    async def check(self, deadline: float) -> None:
        """See `Servers.check`; one connection that answers suffices."""
        answers = await outcomes(self._node.submit_to_each(PING, _is_pong), deadline)
        proven(self._node, answers)

    async def close(self) -> None:
        """See `Servers.close`."""
        await self._node.close()


async def outcomes(futures: "list[asyncio.Future[Outcome]]", deadline: float) -> list[Outcome]:
    """Await all futures; those that have nothing at the deadline become LATE."""
    pause = max(0.0, deadline - time.monotonic())
    timer = asyncio.get_running_loop().call_later(pause, _give_up, futures)
    try:
        return [await future for future in futures]
    finally:
        timer.cancel()


def told(node: Node, outcome: Outcome) -> Outcome:
    """Translate a server's error, and leave any other outcome as it is."""
    return translated(node.name, outcome) if isinstance(outcome, ReplyError) else outcome


def proven(node: Node, answers: Iterable[Outcome]) -> None:
    """Raise the node's failure unless one of its answers is none."""
    said = [told(node, answer) for answer in answers]
    failures = [answer for answer in said if isinstance(answer, StoreError)]
    if len(failures) == len(said):
        raise anew(failures[0])
    if all(answer is LATE for answer in said if answer not in failures):
        raise StoreUnavailable(f"{node.name}: no answer in time")


def _parts(node: Node, replies: list[Any], keys: int) -> list[Part]:
    """Tell the replies of MGETs apart if some are errors."""
    if not any(isinstance(reply, ReplyError) for reply in replies):
        return [Part(None, list(chain.from_iterable(replies)))]
    return [
        Part(np.arange(start, min(start + MGET_KEYS, keys)), told(node, reply))
        for start, reply in zip(range(0, keys, MGET_KEYS), replies, strict=True)
    ]


def _sizes(keys: int) -> Iterator[int]:
    """How many keys each MGET has."""
    for start in range(0, keys, MGET_KEYS):
        yield min(MGET_KEYS, keys - start)


def is_value(reply: Any) -> bool:
    """Whether a reply is what a key or a field may hold."""
    return type(reply) in VALUES


def _are_values(sizes: Iterator[int], reply: Any) -> bool:
    """Whether a reply is that of the next MGET, which has so many keys."""
    size = next(sizes)
    return type(reply) is list and len(reply) == size and set(map(type, reply)) <= VALUES


def _is_pong(reply: Any) -> bool:
    return bool(reply == b"PONG")


def _give_up(futures: "list[asyncio.Future[Outcome]]") -> None:
    for future in futures:
        if not future.done():
            future.set_result(LATE)
