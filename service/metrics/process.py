"""Processes, as Linux describes them in /proc."""

import os
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import betadist
from featurestore import Measurement
from featurestore.measurement import counter, gauge, highest

__all__ = ["Process", "has_ended", "start_ticks"]


def start_ticks(pid: int) -> int | None:
    """When a process started, in ticks since the machine did; None when it runs no more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    state, *rest = stat.rpartition(b")")[2].split()  # the name before it may contain anything
    return None if state in b"ZX" else int(rest[18])


def has_ended(pid: int, started: int) -> bool:
    """Whether a process that started at these ticks is known to run no more, and never will."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    now = start_ticks(pid)  # None too where /proc can't be read, so it proves nothing
    return now is not None and 0 < started != now


class Process:
    """The process of this worker, as a part that is measured."""

    def __init__(self) -> None:
        self._started = time.time()
        self._version = version("bandit-serve")

    def measurements(self) -> Iterator[Measurement]:
        """See `featurestore.Measured.measurements`."""
        labels = {"version": self._version, "simd": betadist.simd_level()}
        yield highest("build_info", "Always 1; its labels say what runs.", 1, **labels)
        about = "Workers that run; fewer than server.workers for long: look into the log."
        yield gauge("workers", about, 1)
        about = "Workers started, replaced ones included; it should not grow by itself."
        yield counter("workers_started", about, 1)
        about = "When the youngest worker started, in seconds since 1970."
        yield highest("start_time_seconds", about, self._started)
        about = "CPU time of the workers, user and system."
        yield counter("cpu_seconds", about, time.process_time())
        about = "Memory resident in the workers; pages that they share count once for each."
        yield gauge("resident_memory_bytes", about, _resident_bytes())


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
