"""Back ends of the sampler: what draws, on which processor."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bandit.arms import Arms, Eligible
from bandit.posterior import Column
from betadist import sample, sample_top_k

__all__ = ["CpuSampler", "Sampler"]


class Sampler(Protocol):
    """Draws the same bits as `betadist`, wherever it runs."""

    def sample(self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64]) -> Column:
        """Return one draw [n] of each posterior, as `betadist.sample` does."""
        ...

    def top_k(
        self, arms: Arms, eligible: Eligible, key: int, k: int
    ) -> tuple[NDArray[np.int64], Column]:
        """Return positions and draws of the k best eligible arms (all, if fewer), best first.

        Equal draws come in the order of their lanes, then of their positions.
        """
        ...

    def prepare(self, arms: Arms) -> None:
        """Have arms where they are drawn from, ahead of the first `top_k` of them."""
        ...


@dataclass(frozen=True)
class CpuSampler:
    """The C++ sampler on up to `threads` threads."""

    threads: int = 1

    def sample(self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64]) -> Column:
        """See `Sampler`."""
        return sample(alpha, beta, key, lanes, threads=self.threads)

    def top_k(
        self, arms: Arms, eligible: Eligible, key: int, k: int
    ) -> tuple[NDArray[np.int64], Column]:
        """See `Sampler`."""
        tagged = arms.tags is not None
        if eligible.include and not tagged:
            return np.empty(0, np.int64), np.empty(0, arms.alpha.dtype)
        return sample_top_k(
            arms.alpha,
            arms.beta,
            key,
            k,
            arms.lanes,
            tags=arms.tags,
            include_tags=eligible.include,
            exclude_tags=eligible.exclude if tagged else 0,
            without=eligible.without,
            threads=self.threads,
        )

    def prepare(self, arms: Arms) -> None:
        """See `Sampler`; they are there."""
