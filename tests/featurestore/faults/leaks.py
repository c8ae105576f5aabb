"""Assertions that nothing is left behind: tasks, open files, connections, memory."""

import asyncio
import contextlib
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.featurestore.faults.proxy import Proxy

__all__ = ["connections_gone", "memory_bytes", "memory_kept", "nothing_left", "open_files", "until"]

SETTLE_S = 5.0
POLL_S = 0.01


async def until(holds: Callable[[], bool], message: Callable[[], str], within_s: float) -> None:
    """Wait until a condition holds, or fail with the message of that time."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, message()
        await asyncio.sleep(POLL_S)


def open_files() -> Counter[str]:
    """What the process has open: how many of each path, and of sockets, pipes and the like."""
    found: Counter[str] = Counter()
    for entry in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found[str(entry.readlink()).partition(":[")[0]] += 1
    return found


@asynccontextmanager
async def nothing_left(within_s: float = SETTLE_S) -> AsyncIterator[None]:
    """Assert that the block leaves no task and no open file that was not there before.

    What a client package opens once for the whole process is not its leak: use the package once
    before the block.
    """
    tasks, files = asyncio.all_tasks(), open_files()
    yield
    await until(lambda: asyncio.all_tasks() <= tasks, lambda: _tasks_left(tasks), within_s)
    await until(lambda: open_files() <= files, lambda: _files_left(files), within_s)


def _tasks_left(before: set[asyncio.Task[object]]) -> str:
    return "left: " + ", ".join(map(repr, asyncio.all_tasks() - before))


def _files_left(before: Counter[str]) -> str:
    return f"left open: {dict(open_files() - before)}"


async def connections_gone(proxy: Proxy, within_s: float = SETTLE_S) -> None:
    """Assert that no client is connected through the proxy."""
    await until(
        lambda: proxy.open == 0,
        lambda: f"{proxy.open} of {proxy.opened} connections are still open",
        within_s,
    )


def memory_bytes() -> int:
    """Resident memory of the process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def memory_kept(before: int, requests: int, allowed_mib: float) -> None:
    """Assert that memory grew by less than allowed over `requests` requests."""
    grown = (memory_bytes() - before) / 2**20
    assert grown < allowed_mib, f"{grown:.1f} MiB more after {requests:,} requests"
