"""Features read from a real feature server."""

import asyncio
import logging
import math
import time

import numpy as np
import pytest

from featurestore import FeatureBatch, FeatureStore, StoreUnavailable, UnknownFeature
from featurestore.feast import FeastSettings, FeastStore
from idcolumn import IdColumn
from tests.featurestore.feast.conftest import FEATURES, VIEWS
from tests.featurestore.feast.servers import FeastServer

pytestmark = pytest.mark.anyio


async def fetch(
    store: FeatureStore,
    ids: list[str],
    features: tuple[str, ...] = FEATURES,
    entity_type: str = "article",
    within_s: float = 30.0,
) -> FeatureBatch:
    deadline = time.monotonic() + within_s
    return await store.fetch(entity_type, IdColumn.from_list(ids), features, deadline)


def expected(ids: list[str], entity_type: str = "article") -> np.ndarray:
    rows = VIEWS[entity_type].rows
    return np.array([rows.get(id_, (math.nan,) * 3) for id_ in ids]).reshape(len(ids), 3)


async def test_a_running_server_is_healthy(store: FeastStore) -> None:
    assert isinstance(store, FeatureStore)
    await store.check(time.monotonic() + 30)


async def test_rows_come_in_the_order_of_the_ids(store: FeastStore) -> None:
    ids = ["id7", "unknown", "id3", "id7", "", "id1999", "id0"]
    batch = await fetch(store, ids)
    np.testing.assert_array_equal(batch.values, expected(ids))
    assert batch.found.tolist() == [True, False, True, True, False, True, True]
    assert not batch.lost.any()
    assert batch.invalid == 0
    assert batch.values.flags.c_contiguous
    assert batch.values.flags.writeable


@pytest.mark.parametrize(
    "features", [("beta",), ("clicks", "alpha"), ("beta", "beta"), ("clicks", "beta", "alpha")]
)
async def test_columns_come_in_the_order_of_the_features(
    store: FeastStore, features: tuple[str, ...]
) -> None:
    batch = await fetch(store, ["id4", "unknown", "id2"], features)
    columns = [FEATURES.index(name) for name in features]
    np.testing.assert_array_equal(batch.values, expected(["id4", "unknown", "id2"])[:, columns])


async def test_no_ids_are_no_rows(store: FeastStore) -> None:
    assert (await fetch(store, [])).values.shape == (0, 3)


@pytest.mark.parametrize("entity_type", ["nobody", "", "a:b", "article@v2", "n" * 400, "\u4e2d\0"])
async def test_of_an_unknown_view_nothing_is_found(store: FeastStore, entity_type: str) -> None:
    batch = await fetch(store, ["id1", "id2"], ("any", "thing"), entity_type)
    assert np.isnan(batch.values).all()
    assert batch.values.shape == (2, 2)
    assert not batch.found.any()
    assert not batch.lost.any()


async def test_an_unknown_feature_is_named(store: FeastStore) -> None:
    with pytest.raises(UnknownFeature, match=r"features\[1\] is 'gamma', .*'article'"):
        await fetch(store, ["id1"], ("alpha", "gamma", "beta"))


async def test_a_wrong_join_key_is_told_by_the_server(feast: FeastServer) -> None:
    store = FeastStore(FeastSettings(feast.url, {"article": "unheard_of"}))
    with pytest.raises(StoreUnavailable, match=r"Missing join key values.*article_id"):
        await fetch(store, ["id1"])
    await store.close()


async def test_unusable_values_count_as_missing(
    store: FeastStore, caplog: pytest.LogCaptureFixture
) -> None:
    ids = ["good", "nan", "infinite", "zero", "negative", "unknown"]
    with caplog.at_level(logging.WARNING):
        batch = await fetch(store, ids, entity_type="spoilt")
        await fetch(store, ids, entity_type="spoilt")
    assert batch.found.tolist() == [True, *[False] * 5]
    assert batch.invalid == 4
    np.testing.assert_array_equal(batch.values[0], (1.0, 2.0, 3.0))
    assert np.isnan(batch.values[1:]).all()
    assert len([r for r in caplog.records if r.name == "bandit_serve.featurestore"]) == 1
    only = await fetch(store, ids, ("beta", "alpha"), "spoilt")
    assert only.found.tolist() == [True, False, False, True, False, False]


async def test_integer_keys_are_found_by_their_decimals_only(store: FeastStore) -> None:
    ids = ["7", "x", "-3", "07", "", "1_0", " 7", "8", str(2**63), str(2**63 - 1), "7.0", "\u0667"]
    batch = await fetch(store, ids, entity_type="numbered")
    np.testing.assert_array_equal(batch.values, expected(ids, "numbered"))
    assert np.flatnonzero(batch.found).tolist() == [0, 2, 9]
    assert not (await fetch(store, ["x", "y"], entity_type="numbered")).found.any()


async def test_after_the_deadline_every_row_is_late(store: FeastStore) -> None:
    for within_s in (-0.001, 0.0, 1e-6):
        batch = await fetch(store, ["id1", "unknown"], within_s=within_s)
        assert batch.lost.all()
        assert not batch.found.any()
    with pytest.raises(StoreUnavailable, match="in time"):
        await store.check(time.monotonic() - 1)


async def test_a_hundred_fetches_at_once_do_not_mix(store: FeastStore) -> None:
    rng = np.random.default_rng(11)
    lists = [[f"id{i}" for i in rng.integers(0, 2_500, 100)] for _ in range(100)]
    batches = await asyncio.gather(*(fetch(store, ids, within_s=60.0) for ids in lists))
    for ids, batch in zip(lists, batches, strict=True):
        np.testing.assert_array_equal(batch.values, expected(ids))


async def test_cancelled_fetches_leave_nothing_behind(store: FeastStore) -> None:
    ids, before = [f"id{i}" for i in range(1_000)], asyncio.all_tasks()
    for pause_s in (0.0, 0.002, 0.01, 0.03):
        tasks = [asyncio.create_task(fetch(store, ids)) for _ in range(50)]
        await asyncio.sleep(pause_s)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError | FeatureBatch) for end in ends)
    batch = await fetch(store, ids[:5])
    np.testing.assert_array_equal(batch.values, expected(ids[:5]))
    assert asyncio.all_tasks() == before


async def test_a_closed_store_says_so(feast: FeastServer) -> None:
    store = FeastStore(FeastSettings(feast.url + "/"))
    assert (await fetch(store, ["id1"])).found.all()
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await fetch(store, ["id1"])
