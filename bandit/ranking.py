"""Best first."""

import numpy as np
from numpy.typing import NDArray

import betadist
from bandit.posterior import Column

__all__ = ["rank"]


def rank(scores: Column, lanes: NDArray[np.uint64], k: int | None = None) -> NDArray[np.int64]:
    """Return the indices of the `k` best scores (all when None), best first.

    Equal scores are ordered by lane, so that the ranking doesn't depend on the order of the list.
    """
    return betadist.rank(scores, lanes, k)
