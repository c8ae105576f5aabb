"""Policies: from posteriors to scores."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bandit.arms import Arms, Eligible
from bandit.posterior import Column
from bandit.ranking import rank_arms
from bandit.sampler import Sampler

__all__ = ["BayesUCB", "Greedy", "Policy", "ThompsonSampling"]


class Policy(Protocol):
    """Scores candidates from their Beta posteriors; higher is better.

    The score of a candidate depends on the key, its own lane and its own posterior only, never on
    the other candidates of the list.
    """

    def score(
        self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64], sampler: Sampler
    ) -> Column:
        """Return the scores [n], in [0, 1], of the dtype of `alpha`.

        Parameters
        ----------
        alpha, beta : float32[n] or float64[n]
            Posterior parameters, finite and > 0.
        key : int
            The decision's 64-bit key; deterministic policies ignore it.
        lanes : uint64[n]
            The stable hash of each candidate's id.
        sampler : Sampler
            What draws; deterministic policies ignore it.
        """
        ...

    def top_k(
        self, arms: Arms, eligible: Eligible, key: int, k: int, sampler: Sampler
    ) -> tuple[NDArray[np.int64], Column]:
        """Return positions and scores of the `k` best eligible arms (all, if fewer), best first.

        Equal scores come in the order of their lanes, then of their positions.
        """
        ...


@dataclass(frozen=True, slots=True)
class ThompsonSampling:
    """One draw from each posterior (Thompson 1933, Biometrika 25)."""

    def score(
        self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64], sampler: Sampler
    ) -> Column:
        """Draw once from every candidate's posterior."""
        return sampler.sample(alpha, beta, key, lanes)

    def top_k(
        self, arms: Arms, eligible: Eligible, key: int, k: int, sampler: Sampler
    ) -> tuple[NDArray[np.int64], Column]:
        """Draw once from every eligible arm's posterior."""
        return sampler.top_k(arms, eligible, key, k)


@dataclass(frozen=True, slots=True)
class Greedy:
    """The posterior mean: exploits what is known, explores nothing."""

    def score(
        self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64], sampler: Sampler
    ) -> Column:
        """Return the posterior means."""
        return _means(alpha, beta)

    def top_k(
        self, arms: Arms, eligible: Eligible, key: int, k: int, sampler: Sampler
    ) -> tuple[NDArray[np.int64], Column]:
        """Return the greatest posterior means."""
        return rank_arms(_means, arms, eligible, k)


@dataclass(frozen=True, slots=True)
class BayesUCB:
    """An upper quantile of the posterior (Kaufmann, Cappé, Garivier 2012, AISTATS).

    The paper lets the level grow with the number of rounds, 1 - 1/t. A stateless service doesn't
    know t and must score a candidate the same way in every list, so the level is a setting.
    Needs scipy (extra `bayes-ucb`).
    """

    level: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}, must be between 0 and 1")

    def score(
        self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64], sampler: Sampler
    ) -> Column:
        """Return the posterior quantiles at `level`."""
        return self._quantiles(alpha, beta)

    def top_k(
        self, arms: Arms, eligible: Eligible, key: int, k: int, sampler: Sampler
    ) -> tuple[NDArray[np.int64], Column]:
        """Return the greatest quantiles; a million of them take seconds."""
        return rank_arms(self._quantiles, arms, eligible, k)

    def _quantiles(self, alpha: Column, beta: Column) -> Column:
        from scipy.special import betaincinv, ndtri

        a, b = alpha.astype(np.float64), beta.astype(np.float64)
        quantiles: NDArray[np.float64] = betaincinv(a, b, self.level)
        # From a + b of about 1e18 on, scipy may give NaN; the posterior is normal there.
        unsolved = np.isnan(quantiles)
        if unsolved.any():
            mean = _mean(a[unsolved], b[unsolved])
            with np.errstate(over="ignore"):
                spread = np.sqrt(mean * (1 - mean) / (a[unsolved] + b[unsolved] + 1))
            quantiles[unsolved] = np.clip(mean + ndtri(self.level) * spread, 0, 1)
        return quantiles.astype(alpha.dtype)


def _means(alpha: Column, beta: Column) -> Column:
    return _mean(alpha, beta).astype(alpha.dtype)


def _mean(alpha: Column, beta: Column) -> NDArray[np.float64]:
    """Return alpha / (alpha + beta), also where the sum overflows."""
    with np.errstate(over="ignore", under="ignore"):
        return 1 / (1 + beta.astype(np.float64) / alpha)
