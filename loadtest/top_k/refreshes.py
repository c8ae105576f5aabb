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
LOOK_S = 0.1


@contextmanager
def steady(pid: int) -> Iterator[None]:
    """Hold the process that reads a service's catalogue for as long as the block lasts."""
    over = threading.Event()
    held: list[int] = []

    def hold() -> None:
        for builder in _builders(pid, over):
            _signal(builder, signal.SIGSTOP)
            held.append(builder)

    with _thread(hold, over):
        yield
    for builder in held:
        _signal(builder, signal.SIGCONT)


@contextmanager
def refreshing(pid: int, files: Files) -> Iterator[None]:
    """Have each reading of a service's catalogue find another file than the one before."""
    over = threading.Event()
    present = _builder(pid)

    def turn() -> None:
        for builder in _builders(pid, over):
            if builder != present:  # it takes longer to load its code than this to look
                files.turn()

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


def _builders(pid: int, over: threading.Event) -> Iterator[int]:
    """Yield the process of each reading of the catalogue, soon after it begins; never two at once.

    While it runs this looks at nothing else: a walk through all threads takes 1.3 ms, for which
    requests would wait.
    """
    builder = None
    while not over.is_set():
        if builder is None or not Path(f"/proc/{builder}").exists():
            builder = _builder(pid)
            if builder is not None:
                yield builder
        over.wait(LOOK_S)


def _builder(pid: int) -> int | None:
    for member in process_tree(pid):
        with suppress(OSError):
            if BUILDER in Path(f"/proc/{member}/cmdline").read_bytes():
                return member
    return None


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
