"""A process that makes a snapshot, as the worker sees it that runs it."""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from service.catalogs.order import Order, Outcome, Said

__all__ = ["Aside", "BuildFailed"]

COMMAND = (sys.executable, "-P", "-m", "service.catalogs.builder")
LOWEST_PRIORITY = 19


class BuildFailed(Exception):
    """There is no snapshot; the message says why."""


class Aside:
    """One run of the process: `run` in a thread, `kill` from anywhere.

    Parameters
    ----------
    order : Order
        What is wanted.
    timeout_s : float
        Seconds until it is ended.
    urgent : bool
        Run on all CPUs at the ordinary priority, not on one at the lowest: somebody waits for it.
    """

    def __init__(self, order: Order, timeout_s: float, *, urgent: bool) -> None:
        self._order = order
        self._urgent = urgent
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = self._late = False
        self._lock = threading.Lock()

    def run(self, on_progress: Callable[[Said], object]) -> Outcome:
        """Start it, hear how far it is, and wait until it has ended.

        Raises
        ------
        BuildFailed
            It failed, took too long, or was killed.
        """
        timer = threading.Timer(self._timeout_s, self._give_up)
        timer.start()
        try:
            with self._start() as process:
                try:
                    said = _heard(process.stdout, on_progress)
                finally:
                    _end(process)  # it has said its last
        finally:
            timer.cancel()
        if said.outcome is not None:
            return said.outcome
        raise BuildFailed(said.failed or self._why(process.returncode))

    def kill(self) -> None:
        """End it, or keep it from starting."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._killed:
                raise BuildFailed("the worker ends")
            self._process = process = subprocess.Popen(  # noqa: S603
                COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        with suppress(OSError):  # if it died at once, its end will tell
            if not self._urgent:
                _give_way(process.pid)
            _give(process.stdin, self._order)
        return process

    def _give_up(self) -> None:
        self._late = True
        self.kill()

    def _why(self, status: int) -> str:
        if self._late:
            return f"it took longer than timeout_s, {self._timeout_s:g} s, and was ended"
        return f"its process ended with status {status} and no word"


def _give_way(pid: int) -> None:
    """Have a process leave the CPUs to requests, all but one at any time.

    Linux has even the lowest priority finish a tick, 4 ms as a rule, once it has its turn; a thread
    that wakes up takes another CPU if one is idle, which this process would else wander on to.
    """
    os.setpriority(os.PRIO_PROCESS, pid, LOWEST_PRIORITY)
    os.sched_setaffinity(pid, {max(os.sched_getaffinity(0))})


def _give(stream: IO[bytes] | None, order: Order) -> None:
    if stream is not None:  # and leave it open, since its end is the end of the process
        pickle.dump(order, stream)
        stream.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with suppress(OSError):  # what it did not read of its order
        if process.stdin is not None:
            process.stdin.close()


def _heard(lines: IO[bytes] | None, on_progress: Callable[[Said], object]) -> Said:
    """Return the last line that it says, or nothing much when it ends before."""
    for line in lines or ():
        said = Said.of(line)
        if said.outcome or said.failed:
            return said
        on_progress(said)
    return Said()
