"""Arms that are held in memory and drawn from again and again, and which of them take part."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bandit.posterior import Column

__all__ = ["Arms", "Eligible"]


def _none() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Arms:
    """Columns of n arms.

    Attributes
    ----------
    alpha, beta : float32[n] or float64[n]
        Posteriors, finite and > 0.
    lanes : uint64[n]
        The stable hash of each arm's id, ascending.
    tags : uint64[n] or None
        One bit for each tag that an arm carries; None where no arm carries any.
    """

    alpha: Column
    beta: Column
    lanes: NDArray[np.uint64]
    tags: NDArray[np.uint64] | None = None

    def __len__(self) -> int:
        return len(self.lanes)


@dataclass(frozen=True, slots=True, eq=False)
class Eligible:
    """Which arms take part in a decision: every one, where nothing is said.

    Attributes
    ----------
    include : int
        Tags, by their bits: an arm must carry at least one of them; 0 asks for none.
    exclude : int
        Tags, by their bits: an arm must carry none of them.
    without : int64[m]
        Positions of arms that stay out, ascending, each once.
    """

    include: int = 0
    exclude: int = 0
    without: NDArray[np.int64] = field(default_factory=_none)
