"""Policies and priors."""

import numpy as np
import pytest
from scipy import stats

from bandit import (
    BayesUCB,
    CpuSampler,
    Greedy,
    Policy,
    Prior,
    ThompsonSampling,
    decision_key,
    posterior,
)

ALPHA = np.array([1.0, 0.5, 2.0, 300.0, 1e-3, 1e6])
BETA = np.array([1.0, 0.5, 30.0, 9000.0, 1e-3, 1e6])
LANES = np.arange(6, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
CPU = CpuSampler()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("policy", [ThompsonSampling(), Greedy(), BayesUCB(0.9)])
def test_scores_are_in_range_and_of_the_posteriors_dtype(policy: Policy, dtype) -> None:
    scores = policy.score(ALPHA.astype(dtype), BETA.astype(dtype), 7, LANES, CPU)
    assert scores.dtype == dtype
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("policy", [ThompsonSampling(), Greedy(), BayesUCB(0.9)])
def test_a_score_depends_on_its_own_candidate_only(policy: Policy) -> None:
    together = policy.score(ALPHA, BETA, 7, LANES, CPU)
    for i in range(len(ALPHA)):
        one = slice(i, i + 1)
        assert policy.score(ALPHA[one], BETA[one], 7, LANES[one], CPU)[0] == together[i]


def test_greedy_is_the_mean_and_bayes_ucb_the_quantile() -> None:
    assert Greedy().score(ALPHA, BETA, 0, LANES, CPU) == pytest.approx(stats.beta.mean(ALPHA, BETA))
    ucb = BayesUCB(0.9).score(ALPHA, BETA, 0, LANES, CPU)
    assert ucb == pytest.approx(stats.beta.ppf(0.9, ALPHA, BETA), rel=1e-9)


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, float("nan")])
def test_bayes_ucb_levels(level: float) -> None:
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        BayesUCB(level)


EXTREMES = [1e-300, 1e-30, 1e-3, 1.0, 1.1e17, 9e17, 1e30, 1e38, 1e300, 1e308]


@pytest.mark.parametrize("policy", [ThompsonSampling(), Greedy(), BayesUCB(0.95)])
def test_every_posterior_has_a_score(policy: Policy) -> None:
    alpha, beta = (grid.ravel() for grid in np.meshgrid(EXTREMES, EXTREMES))
    lanes = np.arange(len(alpha), dtype=np.uint64)
    scores = policy.score(alpha, beta, 3, lanes, CPU)
    assert ((scores >= 0) & (scores <= 1)).all()
    if not isinstance(policy, ThompsonSampling):
        assert scores[(alpha == beta) & (alpha > 1e17)] == pytest.approx(0.5)
        assert scores[alpha / 1e9 > beta] == pytest.approx(1)


def test_thompson_sampling_explores() -> None:
    draws = np.array([ThompsonSampling().score(ALPHA, BETA, key, LANES, CPU) for key in range(200)])
    assert (draws.std(axis=0) > 0).all()


def test_the_prior_stands_in_where_nothing_was_found() -> None:
    values = np.array([[3.0, 4.0], [np.nan, np.nan]])
    alpha, beta = posterior(values, np.array([True, False]), Prior(2.0, 30.0), "float64")
    assert alpha.tolist() == [3.0, 2.0]
    assert beta.tolist() == [4.0, 30.0]


def test_shapes_beyond_float32_move_to_its_edge() -> None:
    values = np.array([[1e-60, 1e60]])
    alpha, beta = posterior(values, np.array([True]), Prior(1, 1), "float32")
    assert alpha.dtype == beta.dtype == np.float32
    assert alpha[0] == np.finfo(np.float32).tiny
    assert beta[0] == np.finfo(np.float32).max
    assert 0 <= ThompsonSampling().score(alpha, beta, 1, LANES[:1], CPU)[0] <= 1


def test_decision_keys_are_pinned() -> None:
    assert decision_key("homepage", "d-1") == 4742748378762304128
    keys = {decision_key(m, d) for m in ("a", "ab", "") for d in ("a", "ba", "b", "")}
    assert len(keys) == 12
