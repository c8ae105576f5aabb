"""FeatureCache in the hands of many threads."""

import threading
from collections.abc import Callable

import numpy as np

from featuretable import CLAIMED, FOUND, FeatureCache
from tests.ext.featuretable.columns import random_keys


def together(works: list[Callable[[], None]]) -> None:
    """Run each in a thread of its own, and raise what one raised."""
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_one_of_many_threads_claims_a_stale_row() -> None:
    count = 200_000
    at = random_keys(count, seed=1)
    cache = FeatureCache(1, count, ttl_ms=10, negative_ttl_ms=10, stale_ms=10)
    cache.upsert(*at, 0, np.zeros((count, 1)), np.ones(count, np.bool_))
    claims: list[int] = []

    def claim() -> None:
        values, states = np.empty((count, 1)), np.empty(count, np.uint8)
        claims.append(cache.lookup(*at, 11, values, states).claimed)

    together([claim] * 3)
    assert sorted(claims) == [0, 0, count]  # a call is not seen half done


def test_a_claim_has_one_owner_at_a_time() -> None:
    count = 64
    at = random_keys(count, seed=2)
    cache = FeatureCache(1, count, ttl_ms=0, negative_ttl_ms=0, stale_ms=1000)
    cache.upsert(*at, 0, np.zeros((count, 1)), np.ones(count, np.bool_))
    owners = [0] * count
    claimed = [0]
    lock = threading.Lock()

    def own() -> None:
        values, states = np.empty((count, 1)), np.empty(count, np.uint8)
        for _ in range(1500):
            cache.lookup(*at, 1, values, states)
            mine = np.flatnonzero(states & CLAIMED)
            with lock:
                claimed[0] += len(mine)
                for i in mine:
                    owners[i] += 1
                assert max(owners) <= 1
            with lock:
                for i in mine:
                    owners[i] -= 1
            assert cache.release(at[0][mine], at[1][mine]) == len(mine)

    together([own] * 4)
    assert owners == [0] * count
    assert claimed[0] >= count


def test_a_reader_sees_whole_rows_while_others_write_evict_and_remove() -> None:
    features, count, batch = 1024, 64, 32  # rows of 8 KiB, so that reads and writes do overlap
    at = random_keys(2 * count, seed=3)
    cache = FeatureCache(features, count, ttl_ms=50, negative_ttl_ms=20, stale_ms=50)
    done = threading.Event()

    def look() -> None:
        values, states = np.empty((2 * count, features)), np.empty(2 * count, np.uint8)
        now = 0
        while not done.is_set():
            now += 1
            tally = cache.lookup(*at, now % 300, values, states)
            found = (states & FOUND).astype(np.bool_)
            assert tally.found == found.sum() <= count
            assert tally.found + tally.unknown + tally.absent == 2 * count
            assert (values[found] == values[found][:, :1]).all()
            assert np.isnan(values[~found]).all()
            assert len(cache) <= count

    def write(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for now in range(300):
            picks = rng.integers(0, 2 * count, batch)
            keys = at[0][picks], at[1][picks]
            rows = np.repeat(rng.random((batch, 1)), features, axis=1)
            cache.upsert(*keys, now, rows, rng.random(batch) < 0.8)
            cache.release(*keys)
            cache.remove(keys[0][:4], keys[1][:4])

    def write_all() -> None:
        try:
            together([lambda seed=seed: write(seed) for seed in range(3)])
        finally:
            done.set()

    together([look, look, write_all])
    assert cache.evicted > 0


def test_a_lookup_stands_states_that_change_under_it() -> None:
    count = 20_000
    at = random_keys(count, seed=4)
    cache = FeatureCache(1, count, ttl_ms=10, negative_ttl_ms=10, stale_ms=10)
    values, states = np.empty((count, 1)), np.zeros(count, np.uint8)
    done = threading.Event()

    def look() -> None:
        try:
            for _ in range(300):
                assert cache.lookup(*at, 0, values, states).absent == count
        finally:
            done.set()

    def disturb() -> None:
        while not done.is_set():
            states.fill(255)

    together([look, disturb])
