"""Best first."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bandit.arms import Arms, Eligible
from bandit.posterior import Column
from betadist import rank

__all__ = ["rank", "rank_arms"]

BLOCK = 1 << 15  # arms whose columns and scores stay in the cache of a core


def rank_arms(
    score: Callable[[Column, Column], Column], arms: Arms, eligible: Eligible, k: int
) -> tuple[NDArray[np.int64], Column]:
    """Return positions and scores of the `k` best eligible arms (all, if fewer), best first.

    Parameters
    ----------
    score : function
        From alpha[m] and beta[m] to scores[m] of their dtype, each in [0, 1].

    Equal scores are ordered by lane, then by position. Scores are held of one block at a time.
    """
    places, best = np.empty(0, np.int64), np.empty(0, arms.alpha.dtype)
    for start in range(0, len(arms), BLOCK):
        found = _eligible(arms, eligible, start, min(start + BLOCK, len(arms)))
        scores = score(arms.alpha[found], arms.beta[found])
        if len(best) == k:  # an equal score of a later arm comes after those held
            better = scores > best[-1] if k else np.zeros(len(scores), np.bool_)
            found, scores = found[better], scores[better]
        if len(found):
            places, best = np.concatenate((places, found)), np.concatenate((best, scores))
            order = rank(best, arms.lanes[places], k)
            places, best = places[order], best[order]
    return places, best


def _eligible(arms: Arms, eligible: Eligible, start: int, stop: int) -> NDArray[np.int64]:
    """Return the positions of the eligible arms among those of a block."""
    out = eligible.without
    out = out[np.searchsorted(out, start) : np.searchsorted(out, stop)]
    taken = np.ones(stop - start, np.bool_)
    taken[out - start] = False
    if arms.tags is not None:
        tags = arms.tags[start:stop]
        if eligible.include:
            taken &= tags & np.uint64(eligible.include) != 0
        taken &= tags & np.uint64(eligible.exclude) == 0
    elif eligible.include:
        taken[:] = False
    return np.flatnonzero(taken) + start
