"""What the posteriors of a table look like taken together."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from featurestore.batch import unusable

__all__ = ["Summary", "summarize"]

QUANTILES = (0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Summary:
    """Moments of n posteriors Beta(alpha, beta).

    Attributes
    ----------
    arms
        How many have finite alpha and beta > 0; the figures are those of these arms.
    invalid
        How many have not.
    mean_of_means
        The mean of alpha / (alpha + beta).
    means, weights
        Quantiles of alpha / (alpha + beta) and of alpha + beta, by level.
    """

    arms: int
    invalid: int
    mean_of_means: float
    means: dict[float, float]
    weights: dict[float, float]

    def lines(self) -> list[str]:
        """Write the figures down as a small table."""
        levels = "".join(f"{_level(level):>12}" for level in QUANTILES)
        rows = (("mean", self.means), ("alpha + beta", self.weights))
        return [
            f"{self.arms:,} arms, {self.invalid:,} invalid; mean of means {self.mean_of_means:.6g}",
            f"{'quantiles':14}{levels}",
            *(f"{name:14}" + "".join(f"{x:>12.5g}" for x in row.values()) for name, row in rows),
        ]

    def figures(self) -> dict[str, object]:
        """Give the same to machines, with quantiles under `min`, `p1`, ... `max`."""
        return {
            "arms": self.arms,
            "invalid": self.invalid,
            "mean_of_means": self.mean_of_means,
            "means": {_level(level): value for level, value in self.means.items()},
            "weights": {_level(level): value for level, value in self.weights.items()},
        }


def _level(level: float) -> str:
    return {0.0: "min", 1.0: "max"}.get(level, f"p{100 * level:g}")


def summarize(posteriors: Iterable[NDArray[np.float64]]) -> Summary | None:
    """Summarize batches of float64[n, 2] of alpha and beta; None when no arm is valid.

    All arms are held at once, in 16 bytes each, so that the quantiles are exact.
    """
    pairs = np.concatenate([np.empty((0, 2)), *posteriors])
    valid = ~unusable(pairs).any(axis=1)
    alpha, beta = pairs[valid].T
    if not len(alpha):
        return None
    weights = alpha + beta
    means = alpha / weights
    return Summary(
        arms=len(alpha),
        invalid=len(pairs) - len(alpha),
        mean_of_means=float(means.mean()),
        means=_quantiles(means),
        weights=_quantiles(weights),
    )


def _quantiles(values: NDArray[np.float64]) -> dict[float, float]:
    return dict(zip(QUANTILES, np.quantile(values, QUANTILES).tolist(), strict=True))
