"""What the contenders draw from: arrays made once, seeded, and read by all from one file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["MIXES", "SEED", "Case", "Moments", "moments", "shapes", "write"]

SEED = 20260

Array = NDArray[np.float64]
Shapes = tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class Case:
    """What one table cell measures: `n` draws of a mix at a time."""

    mix: str
    n: int
    dtype: str


def _posterior(rng: np.random.Generator, impressions: NDArray[np.int64], prior: float) -> Shapes:
    clicks = rng.binomial(impressions, rng.beta(2, 30, len(impressions)))
    return (prior + clicks).astype(float), (prior + impressions - clicks).astype(float)


def _warm(rng: np.random.Generator, n: int) -> Shapes:
    return _posterior(rng, rng.integers(10, 5001, n), 1.0)


def _some_below_1(rng: np.random.Generator, n: int) -> Shapes:
    impressions = rng.integers(10, 5001, n)
    new = rng.random(n) < 0.2
    impressions[new] = rng.integers(0, 21, np.count_nonzero(new))
    return _posterior(rng, impressions, 0.5)


def _cold(rng: np.random.Generator, n: int) -> Shapes:
    return rng.integers(1, 4, n).astype(float), rng.integers(1, 41, n).astype(float)


def _all_below_1(rng: np.random.Generator, n: int) -> Shapes:
    return rng.uniform(0.05, 1, n), rng.uniform(0.05, 1, n)


# Name, in words, how it is made
MIXES: dict[str, tuple[str, Callable[[np.random.Generator, int], Shapes]]] = {
    "warm": (
        (
            "impressions uniform in 10..5000, click rate Beta(2, 30), "
            "alpha = 1 + clicks, beta = 1 + impressions - clicks"
        ),
        _warm,
    ),
    "some-below-1": (
        (
            "as warm with 0.5 for 1 (Jeffreys' prior), and a fifth of the arms new: impressions "
            "uniform in 0..20; an eighth of all arms then have a shape below 1"
        ),
        _some_below_1,
    ),
    "cold": ("integers, alpha uniform in 1..3, beta uniform in 1..40", _cold),
    "all-below-1": ("both shapes uniform in 0.05..1", _all_below_1),
}


def shapes(mix: str, n: int, dtype: str = "float64") -> Shapes:
    """Return alpha and beta, (n,) each, rounded to `dtype` and held as float64."""
    rng = np.random.default_rng([SEED, list(MIXES).index(mix), n])
    alpha, beta = (column.astype(dtype).astype(float) for column in MIXES[mix][1](rng, n))
    return alpha, beta


def write(case: Case, folder: Path) -> None:
    """Write a case's alpha, then its beta: raw, little-endian, of its dtype."""
    stored = np.dtype(case.dtype).newbyteorder("<")
    path = folder / f"{case.mix}-{case.n}-{case.dtype}.bin"
    np.stack(shapes(case.mix, case.n, case.dtype)).astype(stored).tofile(path)


@dataclass(frozen=True, slots=True)
class Moments:
    """What one draw per element averages to: the mean and mean square, and their deviations."""

    mean: float
    mean_sigma: float
    square: float
    square_sigma: float


def moments(alpha: Array, beta: Array) -> Moments:
    """Return the exact moments of the averages over elements of X and X^2, X ~ Beta.

    E X^k is the product of (alpha + j) / (alpha + beta + j) over j < k.
    """
    powers = np.cumprod([(alpha + j) / (alpha + beta + j) for j in range(4)], axis=0)
    first, second, _, fourth = powers
    n, total = len(alpha), alpha + beta
    variance = first * (beta / total) / (total + 1)  # second - first^2 without its cancellation
    return Moments(
        float(first.mean()),
        float(np.sqrt(variance.sum()) / n),
        float(second.mean()),
        float(np.sqrt(np.maximum(fourth - second**2, 0).sum()) / n),
    )
