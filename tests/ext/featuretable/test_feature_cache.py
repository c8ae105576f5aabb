"""FeatureCache against a dict that keeps time, at the edges of its clock, and its claims."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from featuretable import ABSENT, CLAIMED, FOUND, STALE, UNKNOWN, FeatureCache, Tally
from tests.ext.featuretable.columns import BATCHES, GREATEST, Keys, Pair, keys, random_keys

LATEST = 2**48 - 1


def cache_of(
    max_rows: int, *, features: int = 1, ttl: int = 100, negative: int = 50, stale: int = 30
) -> FeatureCache:
    return FeatureCache(features, max_rows, ttl_ms=ttl, negative_ttl_ms=negative, stale_ms=stale)


def look(
    cache: FeatureCache, at: Keys, now: int
) -> tuple[NDArray[np.float64], NDArray[np.uint8], Tally]:
    values = np.full((len(at[0]), cache.features), 7.0)
    states = np.full(len(at[0]), 255, np.uint8)
    return values, states, cache.lookup(*at, now, values, states)


def states_at(cache: FeatureCache, at: Keys, now: int) -> list[int]:
    return look(cache, at, now)[1].tolist()


def put(cache: FeatureCache, at: Keys, now: int, found: bool = True) -> int:
    count = len(at[0])
    return cache.upsert(*at, now, np.ones((count, cache.features)), np.full(count, found))


@dataclass
class Entry:
    written: int
    row: float | None
    claimed: bool = False


@dataclass
class Model:
    """What FeatureCache promises, key by key."""

    ttl: int
    negative: int
    stale: int
    entries: dict[Pair, Entry]

    def look(self, pair: Pair, now: int) -> tuple[int, float, int]:
        """Return the state, the value and the age."""
        entry = self.entries.get(pair)
        if entry is None:
            return ABSENT, np.nan, 0
        age = max(0, now - entry.written)
        fresh, stale = (self.negative, 0) if entry.row is None else (self.ttl, self.stale)
        if age > fresh + stale:
            return ABSENT, np.nan, 0
        state = UNKNOWN if entry.row is None else FOUND
        if age > fresh:
            state |= STALE if entry.claimed else STALE | CLAIMED
            entry.claimed = True
        return state, np.nan if entry.row is None else entry.row, age

    def release(self, pair: Pair) -> bool:
        entry = self.entries.get(pair)
        claimed = entry is not None and entry.claimed
        if entry is not None:
            entry.claimed = False
        return claimed


def assert_like(cache: FeatureCache, model: Model, seen: list[Pair], now: int) -> None:
    values, states, tally = look(cache, keys(seen), now)
    expected = [model.look(pair, now) for pair in seen]
    assert states.tolist() == [state for state, _, _ in expected]
    rows = np.repeat(np.array([value for _, value, _ in expected])[:, None], cache.features, axis=1)
    np.testing.assert_array_equal(values, rows)
    for count, bit in (
        (tally.found, FOUND),
        (tally.unknown, UNKNOWN),
        (tally.stale, STALE),
        (tally.claimed, CLAIMED),
    ):
        assert count == np.count_nonzero(states & bit)
    assert tally.absent == np.count_nonzero(states == ABSENT)
    assert tally.oldest_ms == max((age for state, _, age in expected if state & FOUND), default=0)
    assert len(cache) == len(model.entries)


ACTIONS = st.sampled_from(["upsert", "upsert", "upsert", "release", "remove", "look", "clear"])
STEPS = st.lists(st.tuples(ACTIONS, BATCHES, st.integers(-10, 30)), max_size=25)


@settings(max_examples=300, deadline=None)
@given(
    steps=STEPS,
    features=st.integers(1, 3),
    ttl=st.integers(0, 60),
    negative=st.integers(0, 30),
    stale=st.integers(0, 40),
    seed=st.integers(0, 99),
)
def test_it_does_what_a_dict_that_keeps_time_does(
    steps: list[tuple[str, list[Pair], int]],
    features: int,
    ttl: int,
    negative: int,
    stale: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    cache = cache_of(1000, features=features, ttl=ttl, negative=negative, stale=stale)
    model = Model(ttl, negative, stale, {})
    seen: set[Pair] = {(5, 5)}
    now = 20
    for action, batch, passed in steps:
        now = max(0, now + passed)
        seen.update(batch)
        if action == "upsert":
            values, found = rng.random(len(batch)), rng.random(len(batch)) < 0.6
            table = np.repeat(values[:, None], features, axis=1)
            assert cache.upsert(*keys(batch), now, table, found) == 0
            for pair, value, known in zip(batch, values.tolist(), found, strict=True):
                model.entries[pair] = Entry(now, value if known else None)
        elif action == "release":
            assert cache.release(*keys(batch)) == sum([model.release(pair) for pair in batch])
        elif action == "remove":
            there = sum(model.entries.pop(pair, None) is not None for pair in batch)
            assert cache.remove(*keys(batch)) == there
        elif action == "look":
            assert_like(cache, model, batch, now)  # with its duplicates, in its order
        else:
            cache.clear()
            model.entries.clear()
        assert_like(cache, model, sorted(seen), now)
    assert cache.evicted == 0


def test_a_row_is_fresh_then_stale_then_gone() -> None:
    cache, at = cache_of(10), keys([(1, 1)])
    put(cache, at, 1000)
    assert [states_at(cache, at, now) for now in (1000, 1100)] == [[FOUND], [FOUND]]
    assert states_at(cache, at, 1101) == [FOUND | STALE | CLAIMED]
    assert states_at(cache, at, 1130) == [FOUND | STALE]
    assert states_at(cache, at, 1131) == [ABSENT]
    put(cache, at, 1131)
    assert states_at(cache, at, 1131) == [FOUND]


def test_what_the_store_does_not_know_is_remembered_for_its_own_time() -> None:
    cache, at = cache_of(10), keys([(1, 1)])
    put(cache, at, 1000, found=False)
    values, states, tally = look(cache, at, 1050)
    assert states.tolist() == [UNKNOWN]
    assert np.isnan(values).all()
    assert (tally.unknown, tally.absent, tally.oldest_ms) == (1, 0, 0)
    assert states_at(cache, at, 1051) == [ABSENT]  # it may be known by now


def test_a_row_and_the_knowledge_that_there_is_none_replace_each_other() -> None:
    cache, at = cache_of(10), keys([(1, 1)])
    put(cache, at, 0)
    put(cache, at, 0, found=False)
    assert states_at(cache, at, 0) == [UNKNOWN]
    put(cache, at, 0)
    assert states_at(cache, at, 0) == [FOUND]
    assert len(cache) == 1


def test_a_claim_is_given_once_until_it_is_given_back_or_kept() -> None:
    cache, at = cache_of(10), keys([(1, 1), (2, 2), (1, 1)])
    put(cache, at, 0)
    claimed, stale = FOUND | STALE | CLAIMED, FOUND | STALE
    assert states_at(cache, at, 101) == [claimed, claimed, stale]
    assert states_at(cache, at, 101) == [stale, stale, stale]
    assert cache.release(*keys([(2, 2), (3, 3)])) == 1
    assert cache.release(*keys([(2, 2)])) == 0
    assert states_at(cache, at, 101) == [stale, claimed, stale]
    put(cache, keys([(1, 1)]), 101)
    assert states_at(cache, at, 201) == [FOUND, ABSENT, FOUND]
    assert states_at(cache, at, 202) == [claimed, ABSENT, stale]


@pytest.mark.parametrize("found", [True, False])
def test_a_clock_that_is_set_back_makes_rows_new(found: bool) -> None:
    cache, at = cache_of(10), keys([(1, 1)])
    put(cache, at, LATEST, found)
    _, states, tally = look(cache, at, 0)
    assert states.tolist() == [FOUND if found else UNKNOWN]
    assert tally.oldest_ms == 0


def test_the_longest_limits_keep_rows_for_all_time() -> None:
    cache = cache_of(10, ttl=LATEST, negative=LATEST, stale=LATEST)
    at = keys([(1, 1)])
    put(cache, at, 0)
    _, states, tally = look(cache, at, LATEST)
    assert states.tolist() == [FOUND]
    assert tally.oldest_ms == LATEST


def test_limits_of_nothing_keep_rows_for_their_millisecond() -> None:
    cache, at = cache_of(10, ttl=0, negative=0, stale=0), keys([(1, 1)])
    put(cache, at, 5)
    assert states_at(cache, at, 5) == [FOUND]
    assert states_at(cache, at, 6) == [ABSENT]


def test_the_greatest_key_is_never_kept_and_takes_no_place() -> None:
    cache = cache_of(3)
    others, greatest = random_keys(3, seed=1), keys([(GREATEST, GREATEST)])
    put(cache, others, 0)
    assert put(cache, greatest, 0) == 0
    assert states_at(cache, greatest, 0) == [ABSENT]
    assert cache.remove(*greatest) == cache.release(*greatest) == 0
    assert states_at(cache, others, 0) == [FOUND] * 3
    assert len(cache) == 3


def test_values_come_back_from_the_cache_bit_for_bit() -> None:
    rows = np.array([[np.nan, np.inf], [-0.0, 5e-324], [1.7e308, -np.inf]])
    cache, at = cache_of(3, features=2), random_keys(3, seed=7)
    cache.upsert(*at, 0, rows, np.ones(3, np.bool_))
    assert look(cache, at, 0)[0].tobytes() == rows.tobytes()


def test_the_cache_takes_nothing_as_a_batch() -> None:
    cache, none = cache_of(3), random_keys(0, seed=0)
    assert put(cache, none, 0) == cache.remove(*none) == cache.release(*none) == 0
    assert look(cache, none, 0)[2].absent == 0


def test_any_byte_but_0_is_true() -> None:
    cache, at = cache_of(300, ttl=0), random_keys(256, seed=2)
    found = np.arange(256, dtype=np.uint8).view(np.bool_)
    cache.upsert(*at, 0, np.ones((256, 1)), found)
    assert states_at(cache, at, 0) == [UNKNOWN] + [FOUND] * 255
    assert states_at(cache, at, 1)[1:] == [FOUND | STALE | CLAIMED] * 255
