"""What a load does to a server's processes: CPU and resident memory, once a second."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from loadtest.processes import cpu_seconds, resident_bytes
from loadtest.progress import Progress
from loadtest.result import Sample

__all__ = ["Usage", "Watched", "watching"]

PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A server under load: its name in results, and its processes, where they can be seen.

    Attributes
    ----------
    pid, store_pid : int or None
        The first process of the server, and of its store; their descendants count with them.
    """

    server: str
    pid: int | None = None
    store_pid: int | None = None


@dataclass(slots=True)
class Usage:
    """What was seen of a server; CPU is known once the watching has ended, NaN without a pid."""

    cpu_seconds: float = math.nan
    store_cpu_seconds: float = math.nan
    samples: list[Sample] = field(default_factory=list)


@contextmanager
def watching(watched: Watched, seconds: float) -> Iterator[Usage]:
    """Watch a server until the block ends, and show how far the load of so many seconds is.

    Raises
    ------
    RuntimeError
        The server's processes ended meanwhile.
    """
    usage, end = Usage(), threading.Event()
    before = _cpu(watched)
    sampler = threading.Thread(target=_sample, args=(watched, usage, end, seconds), daemon=True)
    sampler.start()
    try:
        yield usage
    finally:
        end.set()
        sampler.join()
    after = _cpu(watched)
    usage.cpu_seconds, usage.store_cpu_seconds = (b - a for a, b in zip(before, after, strict=True))


def _cpu(watched: Watched) -> tuple[float, float]:
    """CPU used so far by the server's processes, and by its store's; of no store, 0."""
    if watched.pid is None:
        return math.nan, math.nan
    try:
        store = 0.0 if watched.store_pid is None else cpu_seconds(watched.store_pid)
        return cpu_seconds(watched.pid), store
    except OSError as error:
        raise RuntimeError(f"{watched.server}: process {watched.pid} ended under load") from error


def _sample(watched: Watched, usage: Usage, end: threading.Event, seconds: float) -> None:
    begin = last = time.monotonic()
    used, _ = _cpu(watched)
    with Progress(watched.server, seconds) as progress:
        for number in count(1):
            ended = end.wait(begin + number * PERIOD_S - time.monotonic())
            if ended and usage.samples:
                return
            before, last, earlier = last, time.monotonic(), used
            if watched.pid is not None:
                try:
                    used, _ = _cpu(watched)
                    memory = resident_bytes(watched.pid)
                except (OSError, RuntimeError):
                    return  # the caller of `watching` gets to know
                cores = (used - earlier) / (last - before)
                usage.samples.append(Sample(last - begin, cores, memory))
            if ended:
                return
            progress.show(last - begin, usage.samples[-1:])
