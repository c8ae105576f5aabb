"""Beta posteriors as two columns, with a prior where nothing is known."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from betadist import part

__all__ = ["Column", "Precision", "Prior", "posterior"]

Precision = Literal["float32", "float64"]
Column = NDArray[Any]  # float32 or float64, as the precision says


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of a candidate before any trial: Beta(alpha, beta), both finite and > 0."""

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        for name, value in (("alpha", self.alpha), ("beta", self.beta)):
            if not 0 < value < math.inf:
                raise ValueError(f"{name} of the prior is {value!r}, must be finite and > 0")

    def updated(
        self, successes: NDArray[np.float64], trials: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return float64[n, 2], alpha and beta after `successes[n]` among `trials[n]`."""
        return np.column_stack((self.alpha + successes, self.beta + (trials - successes)))


def posterior(
    values: NDArray[np.float64], found: NDArray[np.bool_], prior: Prior, precision: Precision
) -> tuple[Column, Column]:
    """Return the columns alpha[n], beta[n] in the wanted precision.

    Parameters
    ----------
    values : float64[n, 2]
        alpha and beta of each candidate, finite and > 0 where `found`.
    found : bool[n]
        False where the prior stands in.

    Shapes outside the precision's normal range are moved to its edge: Beta(1e-60, b) as a float32
    becomes Beta(1.2e-38, b), from which no draw could tell it.
    """
    return part(values, found, prior.alpha, prior.beta, precision)
