"""What a busy machine takes from the code under test, so that it is not blamed for it."""

import asyncio
import threading
import time
from collections import deque
from pathlib import Path
from typing import Self

__all__ = ["Metronome", "pressed_s", "queued_s"]

TICK_S = 0.005
KEPT = 20_000


class Metronome:
    """Sleeps and wakes in a thread and an event loop of its own until its `with` block ends.

    When the machine is busy or its CPU quota is used up, these sleeps are late as well, and what
    they lost is no fault of the code beside them. A store that blocks its event loop does not block
    this one, so that it is not excused.
    """

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._due = time.monotonic()
        self._stop = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._tick()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join()

    async def _tick(self) -> None:
        while not self._stop:
            self._due = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            self._late.append((self._due, time.monotonic()))

    def lost(self, since: float, until: float) -> float:
        """Seconds of an interval in which a sleep was overdue."""
        total = max(0.0, until - max(since, self._due))  # one that has not woken yet
        for due, woke in reversed(self._late.copy()):
            if woke <= since:
                break
            total += max(0.0, min(woke, until) - max(due, since))
        return min(total, max(0.0, until - since))


def queued_s() -> float:
    """Seconds that this thread was ready to run and had no CPU, so far.

    Beside a metronome, because the kernel wakes a thread that mostly sleeps sooner than it goes on
    with one that works.
    """
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except FileNotFoundError:  # a kernel that doesn't count it
        return 0.0


def pressed_s() -> float:
    """Seconds that anything on this machine was ready to run and had no CPU, so far.

    A server under test may be what waited.
    """
    try:
        some = Path("/proc/pressure/cpu").read_text().splitlines()[0]
    except OSError:  # a kernel that doesn't count it
        return 0.0
    return int(some.rpartition("total=")[2]) / 1e6
