"""Draws of neighbouring lanes, keys and attempts: 32 x 32 cells of pairs, and their correlation."""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

import betadist
from betadist import _core
from tests.ext.betadist.cells import Pair, below
from tests.ext.betadist.goodness import BLOCK, Check, Result

SIDE = 32
SHAPES = [(1.0, 1.0), (0.5, 0.7), (2.0, 30.0)]
BITS = (0, 1, 31, 32, 47, 63)
DISTANCES = (1, 2, 4, 8, 16, 256)

Twins = tuple[NDArray, NDArray]


class Comparison(NamedTuple):
    """Two draws that should know nothing of each other, of one pair of shapes."""

    relation: str  # "lanes apart", "lane bit", "key bit", "attempts"
    by: int
    pair: Pair


COMPARISONS = [
    Comparison(relation, by, Pair.of(dtype, *shapes))
    for dtype, shapes in product(("float64", "float32"), SHAPES)
    for relation, values in (
        ("lanes apart", DISTANCES),
        ("lane bit", BITS),
        ("key bit", BITS),
        ("attempts", (1, 2)),
    )
    for by in values
    if relation != "attempts" or shapes == (1.0, 1.0)
]


def draw(pair: Pair, key: int, lanes: NDArray | None = None) -> NDArray:
    n = BLOCK if lanes is None else len(lanes)
    return betadist.sample(*(np.full(n, s, pair.dtype) for s in pair[1:]), key, lanes)


def lanes_apart(pair: Pair, key: int, distance: int) -> Twins:
    """Draws i and i + distance, each draw in one pair only."""
    drawn = draw(pair, key).reshape(-1, 2, distance)
    return drawn[:, 0].ravel(), drawn[:, 1].ravel()


def lane_bit(pair: Pair, key: int, bit: int) -> Twins:
    lanes = np.random.default_rng(key).integers(0, 2**64, BLOCK // 2, dtype=np.uint64)
    return draw(pair, key, lanes), draw(pair, key, lanes ^ np.uint64(1 << bit))


def key_bit(pair: Pair, key: int, bit: int) -> Twins:
    lanes = np.arange(BLOCK // 2, dtype=np.uint64)
    return draw(pair, key << 8, lanes), draw(pair, key << 8 ^ 1 << bit, lanes)


def attempts(pair: Pair, key: int, which: int) -> Twins:
    """Draws whose first proposal was rejected, and that proposal's first or second normal.

    A gamma of shape 1e9 next to one of 1e-3 of its spread is its normal, and is accepted at once.
    """
    drawn = draw(pair, key)
    full = (np.full(BLOCK, shape, pair.dtype) for shape in pair[1:])
    once = _core.sample_with("scalar", *full, key, max_attempts=1)
    retried = np.flatnonzero(once != drawn).astype(np.uint64)
    large = (1e9, 1e15) if which == 1 else (1e15, 1e9)
    return drawn[retried], draw(Pair("float64", *large), key, retried)


RELATIONS: dict[str, Callable[[Pair, int, int], Twins]] = {
    "lanes apart": lanes_apart,
    "lane bit": lane_bit,
    "key bit": key_bit,
    "attempts": attempts,
}


class Table:
    """Counts of pairs of draws in SIDE x SIDE cells."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.counts = np.zeros((SIDE, SIDE), np.int64)
        pair = comparison.pair
        levels = np.arange(1, SIDE) / SIDE
        self.edges = stats.beta(*pair[1:]).ppf(levels).astype(pair.dtype)
        up_to = below(self.edges, 1, pair.alpha, pair.beta)
        self.shares = np.diff(up_to, prepend=0, append=1)

    def add(self, key: int) -> None:
        relation, by, pair = self.comparison
        first, second = RELATIONS[relation](pair, key, by)
        edges = np.quantile(second, np.arange(1, SIDE) / SIDE) if self.conditional else self.edges
        cells = np.searchsorted(self.edges, first) * SIDE + np.searchsorted(edges, second)
        self.counts += np.bincount(cells, minlength=SIDE * SIDE).reshape(SIDE, SIDE)

    @property
    def conditional(self) -> bool:
        """Whether the second of two has another distribution than the first."""
        return self.comparison.relation == "attempts"

    def result(self) -> Result:
        relation, by, pair = self.comparison
        checks = {"chi-square": Check(self.chi_square())}
        checks["correlation"] = Check.of_score(self.correlation())
        subject = (relation, str(by), pair.dtype, *(f"{s:.10g}" for s in pair[1:]))
        return Result(subject, int(self.counts.sum()), checks)

    def chi_square(self) -> float:
        """Of the product of the marginal probabilities, exact ones where they are known."""
        if self.conditional:
            return float(stats.chi2_contingency(self.counts).pvalue)
        expected = np.outer(self.shares, self.shares) * self.counts.sum()
        return float(stats.chisquare(self.counts.ravel(), expected.ravel()).pvalue)

    def correlation(self) -> float:
        """The score of the correlation of the cells' numbers, taken as ranks."""
        total = self.counts.sum()
        ranks = [
            np.arange(SIDE) - np.arange(SIDE) @ self.counts.sum(axis) / total for axis in (1, 0)
        ]
        sums = [rank**2 @ self.counts.sum(axis) for rank, axis in zip(ranks, (1, 0), strict=True)]
        return float(ranks[0] @ self.counts @ ranks[1] / np.sqrt(sums[0] * sums[1] / total))


def independent(comparison: Comparison, draws: int, key: int) -> Result:
    """Check the pairs that so many draws make."""
    table = Table(comparison)
    for number in range(max(1, draws // BLOCK)):
        table.add((key << 32) + number)
    return table.result()
