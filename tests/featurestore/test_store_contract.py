"""One suite for every store that keeps the contract."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from featurestore import (
    Cached,
    CachedSettings,
    Chunked,
    FaultyStore,
    FeatureBatch,
    FeatureStore,
    LmdbStore,
    Lost,
    MemoryStore,
    Resident,
    StoreError,
    StoreUnavailable,
    UnknownFeature,
)
from featurestore.feast import FeastSettings, FeastStore
from featurestore.redis import RedisSettings, RedisStore, RedisTables
from featurestore.vertex import open_store
from idcolumn import IdColumn
from tests.featurestore.feast.servers import View, serving
from tests.featurestore.redis import servers
from tests.featurestore.vertex import emulators

pytestmark = pytest.mark.anyio

FEATURES = ("alpha", "beta", "clicks")
ODD_IDS = [
    "nul\0inside",
    "nul\0",
    "\0",
    "a b",
    "\u00e9\u4e2d\U0001f600",
    "\x7f\x01",
    "x" * 500,
    "y" * 511,
]
ROWS = {f"id{i}": (1.0 + i, 2.0 + i, 3.0 + i) for i in range(12_000)}
ROWS |= {odd: (0.5 + i, 0.25, 0.125) for i, odd in enumerate(ODD_IDS)}
SPOILT = {
    "nan": (math.nan, 2.0, 3.0),
    "infinite": (1.0, math.inf, 3.0),
    "zero": (1.0, 2.0, 0.0),
    "negative": (-1.0, 2.0, 3.0),
}
TABLE_OF_SPOILT = SPOILT | {"good": (1.0, 2.0, 3.0)}


def embedded(path: Path) -> LmdbStore:
    store = LmdbStore.open(path, map_size_gib=1)
    for entity_type, rows in (("article", ROWS), ("spoilt", TABLE_OF_SPOILT)):
        store.write(entity_type, list(rows), FEATURES, np.array(list(rows.values())))
    return store


def loaded(settings: RedisSettings) -> RedisSettings:
    with RedisTables(settings) as tables:
        for entity_type, rows in (("article", ROWS), ("spoilt", TABLE_OF_SPOILT)):
            tables.write(entity_type, list(rows), FEATURES, np.array(list(rows.values())))
    return settings


@pytest.fixture(scope="module")
def redis_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RedisSettings]]:
    """Settings of a server and of a cluster, by the kind of store."""
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(servers.server(tmp_path_factory.mktemp("redis"), unix=True))
        many = stack.enter_context(servers.cluster(tmp_path_factory.mktemp("cluster")))
        yield {
            "redis": loaded(RedisSettings(one.url)),
            "redis-cluster": loaded(RedisSettings(many.url, cluster=True)),
        }


@pytest.fixture(scope="module")
def vertex_port() -> Iterator[int]:
    tables = {"article": (FEATURES, ROWS), "spoilt": (FEATURES, TABLE_OF_SPOILT)}
    with emulators.emulator_process(tables) as port:
        yield port


@pytest.fixture(scope="module")
def feast_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeastSettings]:
    views = {
        "article": View(FEATURES, ROWS, "article_id"),
        "spoilt": View(FEATURES, TABLE_OF_SPOILT, "spoilt_id"),
    }
    with serving(tmp_path_factory.mktemp("feast"), views) as server:
        yield FeastSettings(url=server.url)


MEMORY = ("memory", "faulty", "chunked", "cached", "evicting")
EMBEDDED = ("embedded", "hot", "cold", "half-hot")
REDIS = ("redis", "redis-cluster", "redis-cached")
KINDS = (*MEMORY, *EMBEDDED, *REDIS, *emulators.VARIANTS, "feast")


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FeatureStore]:
    memory = MemoryStore({"article": (FEATURES, ROWS), "spoilt": (FEATURES, TABLE_OF_SPOILT)})
    made: FeatureStore
    match request.param:
        case "memory":
            made = memory
        case "faulty":
            made = FaultyStore(memory)
        case "embedded":
            made = embedded(tmp_path)
        case "chunked":
            made = Chunked(memory)
        case "cached" | "evicting" as kind:
            max_rows = 20_000 if kind == "cached" else 500
            made = Cached(Chunked(memory), CachedSettings(max_rows))
        case "redis" | "redis-cluster" | "redis-cached" as kind:
            servers_of = request.getfixturevalue("redis_servers")
            made = RedisStore(servers_of[kind.removesuffix("-cached")])
            if kind == "redis-cached":
                made = Cached(Chunked(made), CachedSettings(20_000))
            await made.check(soon())  # connects
        case kind if kind in emulators.VARIANTS:
            opened, more = emulators.VARIANTS[kind]
            port = request.getfixturevalue("vertex_port")
            made = Chunked(open_store(opened, emulators.settings_for(port, **more)))
        case "feast":
            made = Chunked(FeastStore(request.getfixturevalue("feast_settings")))
        case kind:
            made = tier = Resident(
                embedded(tmp_path), max_rows=6_000 if kind == "half-hot" else 20_000
            )
            if kind != "cold":
                await tier.fill()
    yield made
    await made.close()


def soon() -> float:
    return time.monotonic() + 30


async def fetch(
    store: FeatureStore,
    ids: list[str],
    features: tuple[str, ...] = FEATURES,
    entity_type: str = "article",
) -> FeatureBatch:
    return await store.fetch(entity_type, IdColumn.from_list(ids), features, soon())


def expected(ids: list[str]) -> np.ndarray:
    return np.array([ROWS.get(id_, (math.nan,) * 3) for id_ in ids]).reshape(len(ids), 3)


async def test_keeps_the_contract_by_its_type(store: FeatureStore) -> None:
    assert isinstance(store, FeatureStore)
    await store.check(soon())


async def test_answers_in_the_order_of_the_ids(store: FeatureStore) -> None:
    ids = ["id7", "unknown", "id3", "id7", "", "id11999", "id0"]
    batch = await fetch(store, ids)
    assert batch.found.tolist() == [True, False, True, True, False, True, True]
    assert not batch.lost.any()
    assert batch.invalid == 0
    np.testing.assert_array_equal(batch.values, expected(ids))


async def test_columns_have_the_declared_types(store: FeatureStore) -> None:
    batch = await fetch(store, ["id1", "unknown"], ("beta", "alpha"))
    assert batch.values.dtype == np.float64
    assert (batch.found.dtype, batch.lost.dtype) == (np.bool_, np.uint8)
    assert batch.values.flags.c_contiguous
    assert batch.values.flags.writeable
    assert 0.0 <= batch.oldest_age_s < 60.0


async def test_no_ids_are_answered_with_no_rows(store: FeatureStore) -> None:
    batch = await fetch(store, [])
    assert batch.values.shape == (0, 3)
    assert batch.found.shape == batch.lost.shape == (0,)


async def test_ten_thousand_ids(store: FeatureStore) -> None:
    ids = [f"id{i}" for i in np.random.default_rng(5).permutation(15_000)[:10_000]]
    batch = await fetch(store, ids)
    assert batch.found.tolist() == [id_ in ROWS for id_ in ids]
    np.testing.assert_array_equal(batch.values, expected(ids))


async def test_odd_ids_are_ids_like_others(store: FeatureStore) -> None:
    ids = [*ODD_IDS, *(odd + "\0" for odd in ODD_IDS)]
    known = [id_ in ROWS for id_ in ids]
    batch = await fetch(store, ids)
    assert batch.found.tolist() == known
    np.testing.assert_array_equal(batch.values, expected(ids))


async def test_an_id_too_long_to_be_stored_is_not_found(store: FeatureStore) -> None:
    batch = await fetch(store, ["z" * 512, "id1", "\u4e2d" * 171, "z" * 100_000])
    assert batch.found.tolist() == [False, True, False, False]
    np.testing.assert_array_equal(batch.values[1], ROWS["id1"])


@pytest.mark.parametrize("features", [("beta",), ("clicks", "alpha"), ("beta", "beta")])
async def test_columns_are_the_features_asked_for(
    store: FeatureStore, features: tuple[str, ...]
) -> None:
    batch = await fetch(store, ["id4", "id2", "unknown"], features)
    columns = [FEATURES.index(name) for name in features]
    np.testing.assert_array_equal(batch.values, expected(["id4", "id2", "unknown"])[:, columns])


@pytest.mark.parametrize("entity_type", ["nobody", "", "n" * 400, "\u4e2d\0"])
async def test_nothing_is_found_of_an_unknown_entity_type(
    store: FeatureStore, entity_type: str
) -> None:
    batch = await fetch(store, ["id1", "id2"], ("any", "thing"), entity_type)
    assert batch.values.shape == (2, 2)
    assert np.isnan(batch.values).all()
    assert not batch.found.any()
    assert not batch.lost.any()


async def test_an_unknown_feature_is_named(store: FeatureStore) -> None:
    with pytest.raises(UnknownFeature, match=r"features\[1\] is 'gamma', .*article"):
        await fetch(store, ["id1"], ("alpha", "gamma"))


async def test_unusable_values_count_as_missing(store: FeatureStore) -> None:
    ids = ["good", *SPOILT, "unknown"]
    batch = await fetch(store, ids, entity_type="spoilt")
    assert batch.found.tolist() == [True, *[False] * 5]
    assert batch.invalid == 4
    assert np.isnan(batch.values[1:]).all()
    np.testing.assert_array_equal(batch.values[0], (1.0, 2.0, 3.0))


async def test_only_values_asked_for_can_spoil_a_row(store: FeatureStore) -> None:
    batch = await fetch(store, list(SPOILT), ("beta", "alpha"), "spoilt")
    assert batch.found.tolist() == [False, False, True, False]
    assert batch.invalid == 3
    np.testing.assert_array_equal(batch.values[2], (2.0, 1.0))


async def test_when_the_deadline_has_passed_every_row_is_late(store: FeatureStore) -> None:
    ids = IdColumn.from_list(["id1", "unknown"])
    batch = await store.fetch("article", ids, FEATURES, time.monotonic() - 0.001)
    assert batch.lost.tolist() == [Lost.LATE] * 2
    assert not batch.found.any()
    assert np.isnan(batch.values).all()


async def test_concurrent_fetches_do_not_mix(store: FeatureStore) -> None:
    requests = [[f"id{i}" for i in range(start, start + 200)] for start in range(0, 8_000, 200)]
    batches = await asyncio.gather(*(fetch(store, ids) for ids in requests))
    for ids, batch in zip(requests, batches, strict=True):
        np.testing.assert_array_equal(batch.values, expected(ids))


async def test_a_cancelled_fetch_leaves_nothing_behind(store: FeatureStore) -> None:
    ids, before = [f"id{i}" for i in range(10_000)], asyncio.all_tasks()
    tasks = [asyncio.create_task(fetch(store, ids)) for _ in range(20)]
    await asyncio.sleep(0.002)
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError | FeatureBatch) for end in ends)
    np.testing.assert_array_equal((await fetch(store, ids[:5])).values, expected(ids[:5]))
    until = time.monotonic() + 2.0
    while asyncio.all_tasks() != before:  # what a tier fetches for others too ends by itself
        assert time.monotonic() < until
        await asyncio.sleep(0.001)


async def test_closing_twice_is_closing_once(store: FeatureStore) -> None:
    await store.close()
    await store.close()


async def test_a_faulty_store_is_late_or_raises_as_told() -> None:
    faulty = FaultyStore(MemoryStore({"article": (FEATURES, ROWS)}), delay_s=10.0)
    start = time.monotonic()
    batch = await faulty.fetch("article", IdColumn.from_list(["id1"]), FEATURES, start + 0.05)
    assert batch.lost.all()
    with pytest.raises(StoreUnavailable):
        await faulty.check(time.monotonic() + 0.01)
    assert time.monotonic() - start < 5.0
    faulty.delay_s, faulty.error = 0.0, StoreUnavailable("cut off")
    with pytest.raises(StoreError, match="cut off"):
        await fetch(faulty, ["id1"])
