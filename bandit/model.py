"""A model: everything that turns ids into scores, as one immutable snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandit.arms import Arms, Eligible
from bandit.keying import decision_key
from bandit.policy import Policy
from bandit.posterior import Column, Precision, Prior, posterior
from bandit.sampler import Sampler
from bandit.template import EntityTemplate

__all__ = ["Model", "Models"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model as declared in the configuration.

    Attributes
    ----------
    features : tuple of str
        Names, in the feature store, of the posterior's alpha and beta.
    degrade : bool
        Whether the prior may stand in for features that could not be had in time.
    max_candidates : int
        Candidates in one request at most.
    deadline_s : float
        Seconds that one request may take; a request's own timeout can only be shorter.
    """

    name: str
    version: str
    entity_type: str
    entity: EntityTemplate
    features: tuple[str, str]
    prior: Prior
    policy: Policy
    precision: Precision
    degrade: bool
    max_candidates: int
    deadline_s: float

    def warm_up(self, sampler: Sampler) -> None:
        """Score a candidate from the prior, so that no request waits for what loads lazily."""
        nothing = np.full((1, 2), np.nan)
        self.score(nothing, np.zeros(1, np.bool_), "", np.zeros(1, np.uint64), sampler)

    def score(
        self,
        values: NDArray[np.float64],
        found: NDArray[np.bool_],
        decision_id: str,
        lanes: NDArray[np.uint64],
        sampler: Sampler,
    ) -> Column:
        """Return the scores [n] of candidates with these features; the prior where not `found`."""
        alpha, beta = posterior(values, found, self.prior, self.precision)
        return self.policy.score(alpha, beta, decision_key(self.name, decision_id), lanes, sampler)

    def top_k(
        self, arms: Arms, eligible: Eligible, decision_id: str, k: int, sampler: Sampler
    ) -> tuple[NDArray[np.int64], Column]:
        """Return positions and scores of the `k` best eligible arms (all, if fewer), best first.

        An arm has the score that `score` gives its id, and equal scores are ordered by lane.
        """
        key = decision_key(self.name, decision_id)
        return self.policy.top_k(arms, eligible, key, k, sampler)


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a service, and the name of the one for requests that name none."""

    by_name: Mapping[str, Model]
    default: str
