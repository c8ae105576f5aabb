"""One contender's process, and the lines that drive it.

It is started with the folder of the shapes as its last argument and writes its version in one line.
Then it answers each request

    run MIX N DTYPE MILLISECONDS

with one line: how many values it drew and in how many nanoseconds of its CPU time, and the mean
and the mean square of the last N. It reads `MIX-N-DTYPE.bin` untimed, then fills N values again and
again until the time is up. CPU time, as time that another process took would count otherwise. It
leaves when its input ends.
"""

import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from loadtest.sampler.mixes import Case

__all__ = ["Failed", "Peer", "Slice", "started"]

LIMIT_S = 60.0
STOP_S = 10.0


class Failed(Exception):
    """A contender did not start or did not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One answer."""

    draws: int
    nanoseconds: int
    mean: float
    mean_square: float


class Peer:
    """A running contender."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self._requests = cast(IO[bytes], process.stdin)
        self._answers = cast(IO[bytes], process.stdout)
        self.version = self._line()

    def ask(self, request: str) -> str:
        """Return the line that answers a line; raises `Failed`."""
        try:
            self._requests.write(f"{request}\n".encode())
            self._requests.flush()
        except BrokenPipeError:
            raise Failed(self._reason()) from None
        return self._line()

    def run(self, case: Case, milliseconds: float) -> Slice:
        """Measure a case for about so long; raises `Failed`."""
        answer = self.ask(f"run {case.mix} {case.n} {case.dtype} {milliseconds:g}")
        try:
            draws, nanoseconds, mean, mean_square = map(float, answer.split())
        except ValueError:
            raise Failed(f"answered {answer!r}") from None
        if not (draws > 0 and nanoseconds > 0):
            raise Failed(f"drew {draws:g} values in {nanoseconds:g} ns")
        return Slice(int(draws), int(nanoseconds), mean, mean_square)

    def _line(self) -> str:
        if not select.select([self._answers], [], [], LIMIT_S)[0]:
            raise Failed(f"said nothing for {LIMIT_S:g} s")
        line = self._answers.readline()
        if not line:
            raise Failed(self._reason())
        return line.decode().strip()

    def _reason(self) -> str:
        try:
            status = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return f"closed its output but hadn't ended {STOP_S:g} s later"
        said = self._log.read_text(errors="replace").strip().splitlines()
        return said[-1] if said else f"ended with status {status}"


@contextmanager
def started(command: Sequence[str], folder: Path, log: Path) -> Iterator[Peer]:
    """Run a contender until the block ends; raises `Failed` where it doesn't start."""
    with log.open("wb") as errors:
        try:
            process = subprocess.Popen(
                [*command, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        except OSError as error:
            raise Failed(str(error)) from error
    try:
        yield Peer(process, log)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
