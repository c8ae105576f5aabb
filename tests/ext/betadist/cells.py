"""Cells of about equal probability for the draws of a Beta, and their exact probabilities."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

MOST = 4096
LEAST_DRAWS = 200  # expected in a cell
FEWEST = 256  # cells of a distribution as narrow as the dtype allows
# A draw may fall an ulp beside the exact result. An edge is kept where that moves no more draws
# than this share of the standard error of a cell's count.
UNSEEN = 0.25


class Pair(NamedTuple):
    """The shapes of a Beta, exact in the dtype that draws it."""

    dtype: str
    alpha: float
    beta: float

    @classmethod
    def of(cls, dtype: str, alpha: float, beta: float) -> "Pair":
        kind = np.dtype(dtype).type
        return cls(dtype, float(kind(alpha)), float(kind(beta)))


class Cells(NamedTuple):
    """Cell i ends with `edges[i]`, inclusive; the last one, after all edges, with 1."""

    edges: NDArray
    below: Floats  # P(draw <= edges[i])


def below(x: NDArray, side: int, a: float, b: float) -> Floats:
    """P(X <= x + half an ulp of x), or - half an ulp, keeping the digits near 0 and near 1."""
    by = side * np.spacing(x).astype(float) / 2
    x = x.astype(float)
    near_0 = special.betainc(a, b, np.clip(x + by, 0, 1))
    near_1 = special.betainc(b, a, np.clip((1 - x) - by, 0, 1))
    return np.where(x < 0.5, near_0, 1 - near_1)


def probability_of_an_ulp(x: NDArray, pair: Pair) -> Floats:
    with np.errstate(divide="ignore", over="ignore"):
        log_density = stats.beta(pair.alpha, pair.beta).logpdf(x.astype(float))
        return np.exp(log_density + np.log(np.spacing(x).astype(float)))


def quantiles(pair: Pair, shares: Floats) -> NDArray:
    """Those of the quantiles that are normal numbers of the dtype below 1, ascending."""
    found = np.unique(stats.beta(pair.alpha, pair.beta).ppf(shares).astype(pair.dtype))
    return found[(found >= np.finfo(pair.dtype).tiny) & (found < 1)]


def resolution(pair: Pair) -> float:
    """The probability of an ulp in the middle of the distribution; 0 if its middle is 0 or 1."""
    middle = quantiles(pair, np.linspace(0.2, 0.8, 13))
    return float(np.quantile(probability_of_an_ulp(middle, pair), 0.2)) if len(middle) else 0.0


def unseen(pair: Pair, draws: int) -> int:
    """So many draws, or as many as don't see the rounding of the dtype in `FEWEST` cells."""
    ulp = resolution(pair)
    return min(draws, int(UNSEEN**2 / (FEWEST * ulp**2))) if ulp > 0 else draws


def equal_cells(pair: Pair, draws: int) -> Cells:
    """Return up to `MOST` cells for so many draws, of about equal probability."""
    count = min(MOST, draws // LEAST_DRAWS)
    if (ulp := resolution(pair)) > 0:
        count = min(count, int(UNSEEN**2 / (draws * ulp**2)))
    edges = quantiles(pair, np.arange(1, count) / count)
    moved = draws * probability_of_an_ulp(edges, pair)
    return apart(edges[moved < UNSEEN * np.sqrt(draws / count)], pair, 0.5 / count)


def apart(edges: NDArray, pair: Pair, least: float) -> Cells:
    """Keep the edges that are `least` probability from the one before, and from 1."""
    up_to = below(edges, 1, pair.alpha, pair.beta)
    kept, last = [], 0.0
    for i, p in enumerate(up_to.tolist()):
        if p - last >= least and 1 - p >= least:
            kept.append(i)
            last = p
    return Cells(edges[kept], up_to[kept])


def tail_edges(pair: Pair, tail: float) -> Cells:
    """The edges of the lower and the upper tail, those that the dtype resolves."""
    edges = quantiles(pair, np.array([tail, 1 - tail]))
    edges = edges[probability_of_an_ulp(edges, pair) < UNSEEN / 100 * tail]
    return Cells(edges, below(edges, 1, pair.alpha, pair.beta))
