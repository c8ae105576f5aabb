"""How well draws fit a Beta: Kolmogorov-Smirnov, chi-square, tails and moments, block by block."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

import betadist
from tests.ext.betadist.cells import Pair, equal_cells, tail_edges, unseen
from tests.ext.betadist.moments import Moments

BLOCK = 1 << 18
TAIL = 1e-5
# Were keys not fixed, all checks of a run together would raise a false alarm once in a million.
BUDGET, CHECKS = 1e-6, 1000
ALPHA = BUDGET / CHECKS

Source = Callable[[int, int], NDArray]  # (number of the block, draws in it)


class Check(NamedTuple):
    """The probability of a result as far off as this one, and for a moment its score."""

    p: float
    score: float | None = None

    @classmethod
    def of_score(cls, score: float) -> "Check":
        return cls(2 * float(stats.norm.sf(abs(score))), score)

    def __str__(self) -> str:
        return f"{self.p:.2g}" if self.score is None else f"{self.score:+.2f}"


class Result(NamedTuple):
    """The checks of one pair of shapes or of one comparison, by name."""

    subject: tuple[str, ...]
    draws: int
    checks: dict[str, Check]

    @property
    def passes(self) -> bool:
        return bool(self.checks) and all(check.p > ALPHA for check in self.checks.values())


class Fit:
    """Counts and sums over a stream of draws from one Beta."""

    def __init__(self, pair: Pair, draws: int) -> None:
        self.pair, self.expected = pair, draws
        self.cells, self.tails = equal_cells(pair, draws), tail_edges(pair, TAIL)
        self.up_to = np.zeros(len(self.cells.edges), np.int64)
        self.in_tails = np.zeros(len(self.tails.edges), np.int64)
        self.moments = [Moments("", pair)] + ([Moments("log", pair)] if pair.alpha < 1 else [])
        self.draws = 0

    def add(self, drawn: NDArray) -> None:
        """Count a block of draws; sorts it."""
        for moments in self.moments:
            moments.add(drawn)
        drawn.sort()
        self.up_to += np.searchsorted(drawn, self.cells.edges, side="right")
        self.in_tails += np.searchsorted(drawn, self.tails.edges, side="right")
        self.draws += len(drawn)

    def result(self) -> Result:
        checks = {"KS": Check(self.kolmogorov_smirnov()), "chi-square": Check(self.chi_square())}
        if len(self.in_tails):
            checks["tails"] = Check(self.tail_counts())
        for moments in self.moments:
            scores = moments.scores(self.draws)
            checks |= {name: Check.of_score(score) for name, score in scores.items()}
        dtype, *shapes = self.pair
        return Result((dtype, *(f"{shape:.10g}" for shape in shapes)), self.draws, checks)

    def kolmogorov_smirnov(self) -> float:
        """The p-value of the greatest distance at an edge: no less than that over all values."""
        distance = np.abs(self.up_to / self.draws - self.cells.below).max()
        return float(special.kolmogorov(distance * np.sqrt(self.draws)))

    def chi_square(self) -> float:
        counts = np.diff(self.up_to, prepend=0, append=self.draws)
        shares = np.diff(self.cells.below, prepend=0, append=1)
        return float(stats.chisquare(counts, shares * self.draws).pvalue)

    def tail_counts(self) -> float:
        """The lesser p-value of both tails, times their number."""
        rows = zip(self.in_tails.tolist(), self.tails.below.tolist(), strict=True)
        found = [stats.binomtest(count, self.draws, share).pvalue for count, share in rows]
        return float(min(1, min(found) * len(found)))


def sampler(pair: Pair, key: int) -> Source:
    """Blocks of the sampler's draws: lanes as scattered as hashes, a key for each block."""
    alpha, beta = np.full(BLOCK, pair.alpha, pair.dtype), np.full(BLOCK, pair.beta, pair.dtype)
    lanes = np.random.default_rng(key).integers(0, 2**64, BLOCK, dtype=np.uint64)

    def block(number: int, n: int) -> NDArray:
        return betadist.sample(alpha[:n], beta[:n], (key << 32) + number, lanes[:n])

    return block


def fit(pair: Pair, draws: int, source: Source) -> Result:
    """Check so many draws, or as many as don't see the rounding of the dtype."""
    draws = unseen(pair, draws)
    found = Fit(pair, draws)
    for number, start in enumerate(range(0, draws, BLOCK)):
        found.add(source(number, min(BLOCK, draws - start)))
    return found.result()
