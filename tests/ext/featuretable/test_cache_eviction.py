"""FeatureCache at its bound: what goes, what stays, and how much memory that takes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from featuretable import ABSENT, FOUND, FeatureCache, Tally
from tests.ext.featuretable.columns import Keys, random_keys


def cache_of(max_rows: int, features: int = 2) -> FeatureCache:
    return FeatureCache(features, max_rows, ttl_ms=100, negative_ttl_ms=50, stale_ms=50)


def rows_of(at: Keys, features: int) -> NDArray[np.float64]:
    """Return rows that tell their keys."""
    return np.repeat((at[0] ^ at[1]).astype(np.float64)[:, None], features, axis=1)


def put(cache: FeatureCache, at: Keys, now: int = 0) -> int:
    return cache.upsert(*at, now, rows_of(at, cache.features), np.ones(len(at[0]), np.bool_))


def look(cache: FeatureCache, at: Keys, now: int = 0) -> Tally:
    """Look up and check that whatever is served is the key's own."""
    values = np.empty((len(at[0]), cache.features))
    states = np.empty(len(at[0]), np.uint8)
    tally = cache.lookup(*at, now, values, states)
    served = (states & FOUND).astype(np.bool_)
    np.testing.assert_array_equal(values[served], rows_of(at, cache.features)[served])
    assert np.isnan(values[~served]).all()
    return tally


def part(at: Keys, start: int, stop: int) -> Keys:
    return at[0][start:stop], at[1][start:stop]


@pytest.mark.parametrize("max_rows", [1, 2, 63, 64, 65, 5000])
def test_every_new_row_is_kept_and_one_goes_for_it(max_rows: int) -> None:
    cache, at = cache_of(max_rows), random_keys(20_000, seed=1)
    for start in range(0, 20_000, 40):
        batch = part(at, start, start + 40)
        evicted = put(cache, batch)
        assert len(cache) == min(start + 40, max_rows)
        assert evicted <= 40
        assert cache.evicted == start + 40 - len(cache)
    assert look(cache, at).found == max_rows


def test_the_bound_holds_whatever_is_done() -> None:
    max_rows = 2000
    rng = np.random.default_rng(2)
    pool = random_keys(10_000, seed=3)
    pool[0][:1500] = 2**64 - 5  # one hash, 1,500 fingerprints, at the far end
    cache, now = cache_of(max_rows), 0
    most = 0
    for _ in range(1500):
        now += int(rng.integers(0, 10))
        # squared, so that some keys come often
        picks = (rng.random(100) ** 2 * 10_000).astype(np.int64)
        batch = pool[0][picks], pool[1][picks]
        action = rng.random()
        if action < 0.5:
            found = rng.random(100) < 0.8
            cache.upsert(*batch, now, rows_of(batch, 2), found)
        elif action < 0.9:
            look(cache, batch, now)
        else:
            cache.remove(*part(batch, 0, 50))
        assert len(cache) <= max_rows
        most = max(most, cache.nbytes)
    assert cache.evicted > 5 * max_rows
    # 40 bytes a slot, and at most twice the 1,500 spare slots that the one hash needs
    assert most <= 40 * (1.25 * max_rows + 2 * 1500 + 100)


def test_memory_stays_within_what_max_rows_needs() -> None:
    cache, at = cache_of(20_000), random_keys(300_000, seed=4)
    assert cache.nbytes < 10_000
    for start in range(0, 300_000, 1000):
        put(cache, part(at, start, start + 1000))
    assert 40 * 20_000 < cache.nbytes <= 51 * 20_000
    cache.clear()
    assert cache.nbytes < 10_000
    assert (len(cache), cache.evicted) == (0, 280_000)
    assert look(cache, at).found == 0


def test_rows_that_are_read_again_outlive_rows_that_are_not() -> None:
    """A hundred new rows come between two reads of the hot half of 1,000. Each takes the hand past
    two rows on average, half of them being hot, so it passes some 200 of 1,000: it can't come
    by a hot row twice between two reads, and one in 2**32 runs of 32 rows is all hot.
    """
    cache, hot, cold = cache_of(1000), random_keys(500, seed=5), random_keys(50_000, seed=6)
    put(cache, hot)
    for start in range(0, 50_000, 100):
        assert look(cache, hot).found == 500
        put(cache, part(cold, start, start + 100))
    assert look(cache, hot).found == 500
    assert cache.evicted == 49_500


def test_a_refreshed_row_does_not_count_as_new() -> None:
    cache, hot, cold = cache_of(1000), random_keys(500, seed=13), random_keys(900, seed=14)
    put(cache, hot)
    put(cache, part(cold, 0, 500))
    assert look(cache, hot).found == 500
    put(cache, hot)
    put(cache, part(cold, 500, 900))  # takes the hand past some 800 rows
    assert look(cache, hot).found == 500


def test_a_skewed_load_hits_more_often_than_the_lately_used_would() -> None:
    """With popularity ~ 1/rank over 20,000 ids and room for 2,000, the 2,000 most popular get 78 %
    of these reads, the 2,000 read last 69.3 %, the 2,000 that came last 64.6 %, and this cache
    71.8 %.
    """
    count, max_rows = 20_000, 2000
    at = random_keys(count, seed=7)
    weights = 1 / np.arange(1, count + 1)
    reads = np.random.default_rng(8).choice(count, (2000, 100), p=weights / weights.sum())
    cache, hits = cache_of(max_rows), 0
    values, states = np.empty((100, 2)), np.empty(100, np.uint8)
    for picks in reads:
        low, high = at[0][picks], at[1][picks]
        hits += cache.lookup(low, high, 0, values, states).found
        put(cache, (low[states == ABSENT], high[states == ABSENT]))
    assert hits / reads.size > 0.70


def test_rows_no_longer_served_go_first_however_often_they_were_read() -> None:
    cache, old, new = cache_of(1000), random_keys(1000, seed=9), random_keys(700, seed=10)
    put(cache, old)
    assert look(cache, old).found == 1000
    for i in range(700):
        put(cache, part(new, i, i + 1), now=151)
        look(cache, part(new, i, i + 1), now=151)  # read, so that the hand spares it too
    assert look(cache, new, now=151).found == 700
    assert len(cache) == 1000


def test_a_place_is_made_when_every_row_was_just_read() -> None:
    cache, at, new = cache_of(3000), random_keys(3000, seed=11), random_keys(200, seed=12)
    for i in range(3):  # 1,000 rows each at 0, 10 and 20
        put(cache, part(at, 1000 * i, 1000 * i + 1000), now=10 * i)
    for i in range(200):
        assert look(cache, at, now=30).absent == i
        assert put(cache, part(new, i, i + 1), now=30) == 1
        look(cache, new, now=30)
    assert look(cache, part(at, 0, 1000), now=30).found == 800  # the oldest gave their places
    assert look(cache, part(at, 1000, 3000), now=30).found == 2000
