"""Keeps a service from reading its catalogue anew for a while, or has it do nothing else."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from loadtest.processes import process_tree
from loadtest.top_k.arms import Files

__all__ = ["refreshing", "steady"]

BUILDER = b"service.catalogs.builder"
LOOK_S = 0.02


@contextmanager
def steady(pid: int) -> Iterator[None]:
    """Hold every process that makes a snapshot for a service for as long as the block lasts."""
    over = threading.Event()
    held: set[int] = set()

    def hold() -> None:
        while True:
            for builder in _builders(pid) - held:
                _signal(builder, signal.SIGSTOP)
                held.add(builder)
            if over.wait(LOOK_S):
                return

    with _thread(hold, over):
        yield
    for builder in held:
        _signal(builder, signal.SIGCONT)


@contextmanager
def refreshing(pid: int, files: Files) -> Iterator[None]:
    """Have every process that makes a snapshot for a service find another file than the last."""
    over = threading.Event()
    seen = _builders(pid)

    def turn() -> None:
        while not over.wait(LOOK_S):
            new = _builders(pid) - seen
            if new:  # it takes longer to load its code than this to look
                files.turn()
                seen.update(new)

    with _thread(turn, over):
        yield


@contextmanager
def _thread(work: Callable[[], None], over: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _builders(pid: int) -> set[int]:
    found = set()
    for member in process_tree(pid):
        with suppress(OSError):
            if BUILDER in Path(f"/proc/{member}/cmdline").read_bytes():
                found.add(member)
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
