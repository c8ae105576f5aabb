"""The hot tier of a store over a network: what it serves, for how long, and whom it asks."""

import asyncio
import time

import numpy as np
import pytest

from featurestore import (
    Cached,
    CachedSettings,
    Chunked,
    ChunkedSettings,
    FeatureBatch,
    Lost,
    MemoryStore,
    StoreUnavailable,
    UnknownFeature,
)
from idcolumn import IdColumn

pytestmark = pytest.mark.anyio

FEATURES = ("alpha", "beta")
IDS = [f"id{i}" for i in range(1_000)]
PLENTY_S = 30.0
SOON_S = 5.0


class Recording(MemoryStore):
    """A store that notes the ids it was asked for, and that can be held up or cut off."""

    def __init__(self) -> None:
        self.rows = {id_: (1.0 + i, 2.0 + i) for i, id_ in enumerate(IDS)}
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.down = False
        self.features = FEATURES
        super().__init__()

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        self.asked += ids.tolist()
        tables = {"content": (self.features, dict(self.rows))}  # as they are when the read begins
        await self.open.wait()
        if self.down:
            raise StoreUnavailable("cut off")
        return await MemoryStore(tables).fetch(entity_type, ids, features, deadline)


def tier(store: Recording, **settings: float) -> Cached:
    chunked = Chunked(store, ChunkedSettings(hedge=False))
    return Cached(chunked, CachedSettings(**{"max_rows": 10_000, **settings}))  # type: ignore[arg-type]


async def fetch(
    cached: Cached,
    ids: list[str],
    seconds: float = PLENTY_S,
    features: tuple[str, ...] = FEATURES,
) -> FeatureBatch:
    deadline = time.monotonic() + seconds
    return await cached.fetch("content", IdColumn.from_list(ids), features, deadline)


async def test_rows_are_read_once_and_then_served_from_memory() -> None:
    store = Recording()
    cached = tier(store)
    first = await fetch(cached, IDS[:450])
    second = await fetch(cached, IDS[:450])
    assert sorted(store.asked) == sorted(IDS[:450])
    expected = np.array([store.rows[id_] for id_ in IDS[:450]])
    for batch in (first, second):
        np.testing.assert_array_equal(batch.values, expected)
        assert batch.found.all()
    assert 0.0 <= second.oldest_age_s < PLENTY_S
    assert (cached.counts.miss, cached.counts.fresh) == (450, 450)


async def test_only_what_is_missing_is_asked_for() -> None:
    store = Recording()
    cached = tier(store)
    await fetch(cached, IDS[:10])
    store.asked.clear()
    batch = await fetch(cached, IDS[5:15])
    assert sorted(store.asked) == sorted(IDS[10:15])
    np.testing.assert_array_equal(batch.values, [store.rows[id_] for id_ in IDS[5:15]])


async def test_what_the_store_does_not_know_is_remembered_too() -> None:
    store = Recording()
    cached = tier(store, negative_ttl_s=0.05)
    assert not (await fetch(cached, ["new"])).found.any()
    store.rows["new"] = (7.0, 8.0)
    batch = await fetch(cached, ["new"])
    assert (batch.found.any(), batch.lost.any(), store.asked) == (False, False, ["new"])
    assert cached.counts.unknown == 1
    until = time.monotonic() + SOON_S
    while not (await fetch(cached, ["new"])).found.all():
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


async def test_a_stale_row_is_served_and_read_again_once_for_all() -> None:
    store = Recording()
    cached = tier(store, ttl_s=0.02)
    await fetch(cached, IDS[:300])
    store.asked.clear()
    store.rows |= dict.fromkeys(IDS[:300], (50.0, 60.0))
    await asyncio.sleep(0.03)
    store.open.clear()  # the refresh hangs, so that all of these see stale rows
    for _ in range(10):
        batch = await fetch(cached, IDS[:300], 0.05)
        assert batch.found.all()
        assert batch.values[0].tolist() == [1.0, 2.0]
        assert batch.oldest_age_s >= 0.02
        await asyncio.sleep(0.002)
    assert sorted(store.asked) == sorted(IDS[:300])
    assert cached.counts.stale == 3_000
    store.open.set()
    until = time.monotonic() + SOON_S
    while (await fetch(cached, IDS[:300])).values[0].tolist() != [50.0, 60.0]:
        assert time.monotonic() < until
        await asyncio.sleep(0.002)


async def test_a_row_that_is_too_old_is_not_served() -> None:
    store = Recording()
    cached = tier(store, ttl_s=0.0, stale_s=0.02)
    await fetch(cached, IDS[:5])
    store.rows[IDS[0]] = (50.0, 60.0)
    await asyncio.sleep(0.05)
    assert (await fetch(cached, IDS[:5])).values[0].tolist() == [50.0, 60.0]


async def test_requests_for_the_same_missing_rows_share_one_fetch() -> None:
    store = Recording()
    cached = tier(store)
    store.open.clear()
    wanted = [IDS[start : start + 250] for start in range(0, 500, 50)]
    fetches = [asyncio.create_task(fetch(cached, ids)) for ids in wanted]
    while len(store.asked) < 700:
        await asyncio.sleep(0)
    store.open.set()
    for ids, batch in zip(wanted, await asyncio.gather(*fetches), strict=True):
        np.testing.assert_array_equal(batch.values, [store.rows[id_] for id_ in ids])
        assert batch.found.all()
        assert not batch.lost.any()
    assert sorted(store.asked) == sorted(IDS[:700])


async def test_a_row_wanted_twice_in_one_request() -> None:
    batch = await fetch(tier(Recording()), ["id1", "id2", "id1", "none", "none"])
    assert batch.values[:3, 0].tolist() == [2.0, 3.0, 2.0]
    assert batch.found.tolist() == [True, True, True, False, False]


async def test_a_fetch_that_comes_too_late_still_serves_the_next_request() -> None:
    store = Recording()
    cached = tier(store, background_timeout_s=SOON_S)
    await fetch(cached, IDS[:100])
    store.open.clear()
    batch = await fetch(cached, IDS[:200], 0.02)
    assert batch.lost.tolist() == [Lost.NO] * 100 + [Lost.LATE] * 100
    assert batch.found.tolist() == [True] * 100 + [False] * 100
    assert np.isnan(batch.values[100:]).all()
    store.open.set()
    assert (await fetch(cached, IDS[:200])).found.all()
    assert sorted(store.asked) == sorted(IDS[:200])


async def test_a_store_that_is_down_is_not_noticed_while_rows_are_stale() -> None:
    store = Recording()
    cached = tier(store, ttl_s=0.0)
    await fetch(cached, IDS[:100])
    store.down = True
    await asyncio.sleep(0.005)
    for _ in range(20):
        batch = await fetch(cached, IDS[:120], 0.2)
        assert batch.found[:100].all()
        assert (batch.lost[100:] != Lost.NO).all()
        await asyncio.sleep(0.005)
    store.down = False
    store.rows |= dict.fromkeys(IDS[:120], (50.0, 60.0))
    until = time.monotonic() + SOON_S
    while (await fetch(cached, IDS[:120], 0.2)).values[:, 0].tolist() != [50.0] * 120:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


async def test_rows_beyond_the_bound_are_evicted() -> None:
    store = Recording()
    cached = tier(store, max_rows=200)
    for start in range(0, 1_000, 100):
        assert (await fetch(cached, IDS[start : start + 100])).found.all()
    held = {m.name: m.value for m in cached.measurements()}
    assert held["hot_tier_rows"] == 200
    assert held["hot_tier_evicted_rows"] == 800


async def test_a_refresh_that_fails_is_said_and_tried_again(caplog) -> None:
    store = Recording()
    cached = tier(store, ttl_s=0.0)
    await fetch(cached, IDS[:10])
    store.features = ("alpha", "gamma")  # the table was made anew
    until = time.monotonic() + SOON_S
    while "refreshing" not in caplog.text:
        assert (await fetch(cached, IDS[:10])).found.all()
        assert time.monotonic() < until
        await asyncio.sleep(0.002)
    assert "'beta'" in caplog.text
    figures = {m.name: m.value for m in cached.measurements()}
    assert figures["hot_tier_failed_refreshes"] == 10
    store.features = FEATURES
    while {m.name: m.value for m in cached.measurements()}["hot_tier_refreshed_rows"] < 10:
        await fetch(cached, IDS[:10])
        assert time.monotonic() < until
        await asyncio.sleep(0.002)


async def test_a_request_with_more_time_than_the_background_has_gets_its_rows() -> None:
    store = Recording()
    cached = tier(store, background_timeout_s=0.02)
    store.open.clear()
    asked = asyncio.create_task(fetch(cached, IDS[:10]))
    await asyncio.sleep(0.05)
    store.open.set()
    assert (await asked).found.all()


async def test_an_unknown_feature_is_said_every_time() -> None:
    cached = tier(Recording())
    for _ in range(2):
        with pytest.raises(UnknownFeature, match="gamma"):
            await fetch(cached, IDS[:3], features=("alpha", "gamma"))
    assert (await fetch(cached, IDS[:3], features=("beta",))).values[0].tolist() == [2.0]


async def test_closing_calls_off_what_is_on_the_way() -> None:
    store, before = Recording(), asyncio.all_tasks()
    cached = tier(store)
    store.open.clear()
    assert (await fetch(cached, IDS[:500], 0.01)).lost.all()
    await cached.close()
    until = time.monotonic() + 0.5
    while asyncio.all_tasks() != before:
        assert time.monotonic() < until
        await asyncio.sleep(0)
