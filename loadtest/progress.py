"""How far a load is, on standard error: each second on a terminal, rarely elsewhere."""

import sys
from collections.abc import Sequence
from types import TracebackType

from loadtest.result import Sample

__all__ = ["Progress"]

EVERY_S = 30.0  # in a log


class Progress:
    """One line that is written anew on a terminal; lines now and then where there is none."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._terminal = sys.stderr.isatty()
        self._next = 0.0 if self._terminal else EVERY_S

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def show(self, passed: float, latest: Sequence[Sample]) -> None:
        """Say that so many seconds have passed, and what the server does."""
        if passed < self._next:
            return
        line = f"{self._what}: {passed:.0f} of {self._seconds:.0f} s"
        for sample in latest:
            line += f", {sample.cores:.2f} cores, {sample.resident_bytes / 1e6:.0f} MB"
        if self._terminal:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        else:
            self._next += EVERY_S
            print(line, file=sys.stderr)
