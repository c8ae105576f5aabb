"""Mean and variance of a stream of draws against their exact standard errors."""

from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate
from math import comb
from operator import mul

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tests.ext.betadist.cells import Floats, Pair

# The normal tail at 6 standard errors is off by exp(skewness 6^3 / 6), 1.4 for this skewness of
# the mean; a mean more skewed than that isn't tested.
MOST_SKEWED = 0.01


def central(raw: list) -> list:
    """Central moments 0, 1, .. from raw ones."""
    mean = raw[1]
    return [
        sum(comb(n, k) * raw[k] * (-mean) ** (n - k) for k in range(n + 1)) for n in range(len(raw))
    ]


def moments_of_draw(pair: Pair) -> tuple[float, list[float]]:
    """The mean and the central moments up to the sixth, exact rationals rounded once."""
    a, b = Fraction(pair.alpha), Fraction(pair.beta)
    raw = list(accumulate(((a + i) / (a + b + i) for i in range(6)), mul, initial=Fraction(1)))
    return float(raw[1]), [float(m) for m in central(raw)]


def moments_of_log(pair: Pair) -> tuple[float, list[float]]:
    """The same of S = -ln max(X, tiny): E S^k is the integral of k s^(k-1) P(S > s)."""
    most = -float(np.log(np.finfo(pair.dtype).tiny))
    ends = most * 2.0 ** np.arange(-60, 0.25, 0.25)
    nodes, weights = special.roots_legendre(24)
    half = np.diff(ends)[:, None] / 2
    s, ds = (ends[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()
    tail = np.where(
        s < 0.5,
        1 - special.betainc(pair.beta, pair.alpha, -np.expm1(-s)),
        special.betainc(pair.alpha, pair.beta, np.exp(-s)),
    )
    raw = [1.0] + [float(np.sum(k * s ** (k - 1) * tail * ds)) for k in range(1, 7)]
    return raw[1], central(raw)


def of_log(drawn: NDArray) -> Floats:
    return -np.log(np.maximum(drawn, np.finfo(drawn.dtype).tiny), dtype=float)


def of_draw(drawn: NDArray) -> Floats:
    return drawn.astype(float)


class Moments:
    """Sums over a stream of draws, and how many standard errors they lie off."""

    def __init__(self, name: str, pair: Pair) -> None:
        self.name = name
        self.transform: Callable[[NDArray], Floats] = of_log if name == "log" else of_draw
        exact = moments_of_log if name == "log" else moments_of_draw
        self.mean, self.central = exact(pair)
        self.sums = np.zeros(2)

    def add(self, drawn: NDArray) -> None:
        off = self.transform(drawn)
        off -= self.mean
        self.sums[0] += off.sum()
        off *= off
        self.sums[1] += off.sum()

    def scores(self, draws: int) -> dict[str, float]:
        """Standard errors from the exact mean and variance, of those near enough to normal."""
        _, _, m2, m3, m4, _, m6 = self.central
        found = {}
        if abs(m3) < MOST_SKEWED * np.sqrt(draws) * m2**1.5:
            found["mean"] = self.sums[0] / np.sqrt(draws * m2)
        spread, skew = m4 - m2**2, m6 - 3 * m4 * m2 + 2 * m2**3
        if abs(skew) < MOST_SKEWED * np.sqrt(draws) * spread**1.5:
            found["variance"] = (self.sums[1] - draws * m2) / np.sqrt(draws * spread)
        return {f"{self.name} {which}".strip(): float(z) for which, z in found.items()}
