"""The rounds: every contender gets a short slice in each, in turn."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from loadtest.sampler.contenders import Contender
from loadtest.sampler.mixes import Case, Moments, moments, shapes, write
from loadtest.sampler.protocol import Failed, Peer, Slice, started

__all__ = ["Refused", "Sample", "Stage"]

# The mean square of 400 warm draws is skewed: 5.8 deviations once in 150,000 slices
MEAN_SIGMAS, SQUARE_SIGMAS = 6.0, 8.0


class Refused(Exception):
    """A contender's draws don't have the moments of its shapes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One contender's slice in one round; `gigahertz` is the core's then, 0 if unknown."""

    mix: str
    n: int
    dtype: str
    contender: str
    round: int
    draws: int
    nanoseconds: int
    mean: float
    mean_square: float
    gigahertz: float


class Stage:
    """The running contenders and the folder that they read."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._running: dict[str, tuple[Contender, Peer]] = {}
        self.left_out: dict[str, str] = {}

    def start(self, contenders: Iterable[Contender]) -> None:
        """Build and start each; one that fails is left out with its reason."""
        for contender in contenders:
            log = self._folder / f"{len(self._running) + len(self.left_out)}.log"
            try:
                running = started(contender.prepare(), self._folder, log)
                self._running[contender.name] = contender, self._stack.enter_context(running)
            except Failed as failure:
                self.left_out[contender.name] = str(failure)

    @property
    def versions(self) -> Mapping[str, str]:
        """What each running contender calls itself."""
        return {name: peer.version for name, (_, peer) in self._running.items()}

    def measure(
        self, mixes: Sequence[str], counts: Sequence[int], rounds: int, milliseconds: float
    ) -> list[Sample]:
        """Return every round's figures; raises `Refused` where the draws are wrong.

        One that fails on the way is left out altogether.
        """
        samples: list[Sample] = []
        for mix in mixes:
            for n in counts:
                samples += self._table(mix, n, rounds, milliseconds)
                print(f"measured {mix}, n = {n}", file=sys.stderr)
        return [sample for sample in samples if sample.contender in self._running]

    def _table(self, mix: str, n: int, rounds: int, milliseconds: float) -> list[Sample]:
        cases = [Case(mix, n, dtype) for dtype in ("float32", "float64")]
        truth = {case: moments(*shapes(mix, n, case.dtype)) for case in cases}
        for case in cases:
            write(case, self._folder)
        samples = []
        for round_ in range(rounds):
            gigahertz = self._gigahertz(cases[0], milliseconds)
            for name, case in self._turns(cases):
                if (answer := self._slice(name, case, milliseconds)) is None:
                    continue
                check(name, case, answer, truth[case])
                samples.append(
                    Sample(
                        *(mix, n, case.dtype, name, round_, answer.draws, answer.nanoseconds),
                        *(answer.mean, answer.mean_square, gigahertz),
                    )
                )
        return samples

    def _turns(self, cases: list[Case]) -> list[tuple[str, Case]]:
        return [
            (name, case)
            for name, (contender, _) in self._running.items()
            for case in cases
            if case.dtype in contender.dtypes
        ]

    def _slice(self, name: str, case: Case, milliseconds: float) -> Slice | None:
        if name not in self._running:
            return None
        try:
            return self._running[name][1].run(case, milliseconds)
        except Failed as failure:
            del self._running[name]
            self.left_out[name] = str(failure)
            return None

    def _gigahertz(self, case: Case, milliseconds: float) -> float:
        answer = self._slice("clock", case, milliseconds / 4)
        return answer.draws / answer.nanoseconds if answer else 0.0


def check(name: str, case: Case, answer: Slice, truth: Moments) -> None:
    """Raise `Refused` if a moment of the last draws is too many deviations off."""
    pairs = (
        ("mean", answer.mean, truth.mean, MEAN_SIGMAS * truth.mean_sigma),
        ("mean square", answer.mean_square, truth.square, SQUARE_SIGMAS * truth.square_sigma),
    )
    for what, got, true, tolerance in pairs:
        if not abs(got - true) <= tolerance:
            raise Refused(
                f"{name}, {case.mix}, n = {case.n}, {case.dtype}: the {what} is {got!r}, "
                f"must be {true!r} within {tolerance:.2g}"
            )
