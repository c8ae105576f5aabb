"""The rounds: every contender gets a short slice in each, in turn."""

import json
import statistics
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import betadist
from loadtest.sampler.mixes import Case, shapes, write
from loadtest.sampler.protocol import Failed, Peer, started
from loadtest.top_k.contenders import Contender

__all__ = ["Refused", "Slice", "Stage"]

MIX = "warm"
KEYS = 20  # draws that say what the best are like
SIGMAS = 12.0  # of a mean over the best: the 20 know it to a sixth of itself


class Refused(Exception):
    """A contender's best draws can't be those of its columns."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Of one contender in one round: seconds of each pass, and stages where it has a device."""

    contender: str
    n: int
    round: int
    seconds: Sequence[float]
    stages_ms: dict[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Seconds of a pass."""
        return statistics.median(self.seconds)


class Stage:
    """The running contenders and the folder that they read."""

    def __init__(self, stack: ExitStack, folder: Path, k: int) -> None:
        self._stack = stack
        self._folder = folder
        self._k = k
        self._running: dict[str, Peer] = {}
        self.left_out: dict[str, str] = {}
        self.versions: dict[str, str] = {}

    def start(self, contenders: Iterable[Contender]) -> None:
        """Start each; one that fails is left out with its reason."""
        for i, contender in enumerate(contenders):
            log = self._folder / f"{i}.log"
            try:
                running = started(contender.command(), self._folder, log)
                peer = self._stack.enter_context(running)
            except Failed as failure:
                self.left_out[contender.name] = str(failure)
            else:
                self._running[contender.name] = peer
                self.versions[contender.name] = peer.version

    def measure(self, counts: Sequence[int], rounds: int, milliseconds: float) -> list[Slice]:
        """Return every round's slices; raises `Refused` where the best are wrong.

        One that fails on the way is left out altogether.
        """
        slices: list[Slice] = []
        for n in counts:
            write(Case(MIX, n, "float32"), self._folder)
            truth = _best(n, self._k)
            for round_ in range(rounds):
                slices += self._round(n, round_, milliseconds, truth)
            print(f"measured {n:,} arms", file=sys.stderr)
        return [each for each in slices if each.contender in self._running]

    def _round(
        self, n: int, round_: int, milliseconds: float, truth: tuple[float, float]
    ) -> list[Slice]:
        slices = []
        for name, peer in list(self._running.items()):
            try:
                told = json.loads(peer.ask(f"top {MIX} {n} {self._k} {milliseconds:g}"))
            except (Failed, ValueError) as failure:
                del self._running[name]
                self.left_out[name] = str(failure)
                continue
            _check(name, n, told["values"], min(self._k, n), truth)
            slices.append(Slice(name, n, round_, told["seconds"], told["stages_ms"]))
        return slices


def _best(n: int, k: int) -> tuple[float, float]:
    """Return the mean of the k best draws over some keys, and its deviation from key to key."""
    alpha, beta = (column.astype(np.float32) for column in shapes(MIX, n, "float32"))
    means = [betadist.sample_top_k(alpha, beta, key, k)[1].mean() for key in range(KEYS)]
    return float(np.mean(means)), float(np.std(means, ddof=1))


def _check(name: str, n: int, values: Sequence[float], k: int, truth: tuple[float, float]) -> None:
    mean, deviation = truth
    if len(values) != k or list(values) != sorted(values, reverse=True):
        raise Refused(f"{name}, {n} arms: {len(values)} values, must be {k} that descend")
    if not abs(statistics.fmean(values) - mean) <= SIGMAS * deviation:
        raise Refused(
            f"{name}, {n} arms: the mean of the {k} best is {statistics.fmean(values):.5f}, must "
            f"be {mean:.5f} within {SIGMAS * deviation:.5f}"
        )
