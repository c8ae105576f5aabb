"""The best arms of a catalogue: what scoring all of them as a list, in chunks, would give."""

from dataclasses import replace

import numpy as np
import pytest

from bandit import (
    Arms,
    BayesUCB,
    CpuSampler,
    Eligible,
    EntityTemplate,
    Greedy,
    Model,
    Policy,
    Prior,
    ThompsonSampling,
    rank,
)

N = 100_000  # several blocks
CPU = CpuSampler()
RNG = np.random.default_rng(5)
NO_TAGS = Eligible()
POLICIES = [ThompsonSampling(), Greedy()]


def model(policy: Policy, precision: str = "float32") -> Model:
    return Model(
        name="homepage",
        version="1",
        entity_type="content",
        entity=EntityTemplate.parse("{candidate}"),
        features=("alpha", "beta"),
        prior=Prior(2.0, 30.0),
        policy=policy,
        precision=precision,  # type: ignore[arg-type]
        degrade=True,
        max_candidates=10_000,
        deadline_s=1.0,
    )


def rows(distinct: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features [N, 2] of so many kinds, lanes (some of them twice) and tags."""
    kinds = np.column_stack((RNG.uniform(0.2, 50, distinct), RNG.uniform(0.2, 500, distinct)))
    lanes = np.sort(RNG.choice(RNG.integers(0, 1 << 64, N, dtype=np.uint64), N))
    return kinds[RNG.integers(0, distinct, N)], lanes, RNG.integers(0, 16, N, dtype=np.uint64)


def arms_of(values: np.ndarray, lanes: np.ndarray, tags: np.ndarray, dtype: type) -> Arms:
    alpha, beta = values.astype(dtype).T.copy()
    return Arms(alpha, beta, lanes, tags)


def by_list(
    asked: Model, values: np.ndarray, lanes: np.ndarray, take: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Score the arms that `take` names in chunks, as lists, and rank what came back."""
    places = np.flatnonzero(take)
    scores = np.concatenate(
        [np.empty(0, asked.precision)]
        + [
            asked.score(values[part], np.ones(len(part), np.bool_), "d-1", lanes[part], CPU)
            for part in np.array_split(places, 11)
        ]
    )
    order = rank(scores, lanes[places], k)
    return places[order], scores[order]


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("distinct", [1, 50, N])
@pytest.mark.parametrize("k", [1, 100, 10_000])
def test_it_is_what_scoring_by_list_gives(policy, precision, distinct: int, k: int) -> None:
    values, lanes, tags = rows(distinct)
    asked = model(policy, precision)
    arms = arms_of(values, lanes, tags, np.dtype(precision).type)
    without = np.unique(RNG.integers(0, N, 300))
    some = Eligible(include=0b0011, exclude=0b1000, without=without)
    kept = (tags & 0b0011 != 0) & (tags & 0b1000 == 0)
    kept[without] = False
    for eligible, take in ((NO_TAGS, np.ones(N, np.bool_)), (some, kept)):
        positions, scores = asked.top_k(arms, eligible, "d-1", k, CPU)
        expected, their_scores = by_list(asked, values, lanes, take, k)
        assert scores.dtype == their_scores.dtype == precision
        np.testing.assert_array_equal(positions, expected)
        np.testing.assert_array_equal(scores, their_scores)


@pytest.mark.parametrize("policy", POLICIES)
def test_fewer_eligible_arms_than_asked_for(policy) -> None:
    values, lanes, tags = rows(N)
    arms = arms_of(values, lanes, tags, np.float32)
    rare = replace(arms, tags=np.where(np.arange(N) % 20_000 == 7, np.uint64(16), tags))
    asked = model(policy)
    positions, scores = asked.top_k(rare, Eligible(include=16), "d-1", 100, CPU)
    assert sorted(positions) == [7, 20_007, 40_007, 60_007, 80_007]
    assert scores.tolist() == sorted(scores, reverse=True)
    for nobody in (Eligible(include=32), Eligible(without=np.arange(N))):
        positions, scores = asked.top_k(rare, nobody, "d-1", 100, CPU)
        assert (len(positions), len(scores)) == (0, 0)
    none = Arms(*(column[:0] for column in (arms.alpha, arms.beta, arms.lanes, tags)))
    assert len(asked.top_k(none, NO_TAGS, "d-1", 100, CPU)[0]) == 0


def test_bayes_ucb_ranks_its_quantiles() -> None:
    values, lanes, tags = rows(N)
    few = slice(0, 3_000)
    values, lanes, tags = values[few], lanes[few], tags[few]
    asked = model(BayesUCB(0.9), "float64")
    positions, scores = asked.top_k(
        arms_of(values, lanes, tags, np.float64), NO_TAGS, "d-1", 50, CPU
    )
    expected, their_scores = by_list(asked, values, lanes, np.ones(3_000, np.bool_), 50)
    np.testing.assert_array_equal(positions, expected)
    np.testing.assert_array_equal(scores, their_scores)


def test_the_decision_and_the_model_key_the_draws() -> None:
    arms = arms_of(*rows(N), np.float32)
    asked = model(ThompsonSampling())
    best = asked.top_k(arms, NO_TAGS, "d-1", 20, CPU)[0].tolist()
    assert asked.top_k(arms, NO_TAGS, "d-1", 20, CpuSampler(3))[0].tolist() == best
    assert asked.top_k(arms, NO_TAGS, "d-2", 20, CPU)[0].tolist() != best
    renamed = replace(asked, name="other")
    assert renamed.top_k(arms, NO_TAGS, "d-1", 20, CPU)[0].tolist() != best


def test_nobody_carries_a_tag_where_there_are_none() -> None:
    alpha = np.ones(1000, np.float32)
    arms = Arms(alpha, alpha, np.arange(1000, dtype=np.uint64))
    some, none = (CPU.top_k(arms, Eligible(include=tag, exclude=3), 1, 5)[0] for tag in (0, 1))
    assert (len(some), len(none)) == (5, 0)
