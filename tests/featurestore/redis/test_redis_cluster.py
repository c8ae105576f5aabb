"""RedisStore on a cluster whose slots move and whose nodes go down."""

import asyncio
import time
from collections.abc import Iterator

import numpy as np
import pytest
from redis.crc import key_slot

from featurestore import FeatureBatch, Lost, StoreUnavailable
from featurestore.redis import RedisSettings, RedisStore, RedisTables
from idcolumn import IdColumn
from tests.featurestore.redis import servers

pytestmark = pytest.mark.anyio

IDS = [f"id{i}" for i in range(300)]
VALUES = np.arange(1.0, 601.0).reshape(300, 2)
FEATURES = ("alpha", "beta")


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Cluster]:
    """A cluster of one test, which may break it."""
    with servers.cluster(tmp_path_factory.mktemp("broken")) as made:
        yield made


def filled(cluster: servers.Cluster) -> RedisSettings:
    settings = RedisSettings(cluster.url, cluster=True, seeds=cluster.seeds, stall_s=0.5)
    with RedisTables(settings) as tables:
        tables.write("article", IDS, FEATURES, VALUES)
    return settings


async def fetch(store: RedisStore, limit_s: float = 10.0) -> FeatureBatch:
    ids = IdColumn.from_list(IDS)
    return await store.fetch("article", ids, FEATURES, time.monotonic() + limit_s)


def slot_of(id_: str) -> int:
    return int(key_slot(f"bandit:article:{id_}".encode()))


async def test_a_slot_moves_under_the_fetches(cluster: servers.Cluster) -> None:
    settings = filled(cluster)
    moved = next(id_ for id_ in IDS if slot_of(id_) <= 5460)
    slot, key = slot_of(moved), f"bandit:article:{moved}"
    source, target = (cluster.command(i, "CLUSTER", "MYID").decode() for i in (0, 1))  # type: ignore[attr-defined]
    store = RedisStore(settings)
    np.testing.assert_array_equal((await fetch(store)).values, VALUES)
    cluster.command(1, "CLUSTER", "SETSLOT", slot, "IMPORTING", source)
    cluster.command(0, "CLUSTER", "SETSLOT", slot, "MIGRATING", target)
    np.testing.assert_array_equal((await fetch(store)).values, VALUES)
    cluster.command(0, "MIGRATE", "127.0.0.1", cluster.nodes[1].port, key, 0, 5_000)
    np.testing.assert_array_equal((await fetch(store)).values, VALUES)  # by ASK
    with RedisTables(settings) as tables:
        tables.increment("article", [moved], FEATURES, np.zeros((1, 2)), (1.0, 1.0))
        tables.write("article", IDS, FEATURES, VALUES)
        for node in (1, 0, 2):
            cluster.command(node, "CLUSTER", "SETSLOT", slot, "NODE", target)
        tables.write("article", IDS, FEATURES, VALUES)  # by MOVED
    np.testing.assert_array_equal((await fetch(store)).values, VALUES)
    np.testing.assert_array_equal((await fetch(store)).values, VALUES)
    await store.close()


async def test_a_node_that_is_down_costs_its_own_ids(cluster: servers.Cluster) -> None:
    store = RedisStore(filled(cluster))
    assert (await fetch(store)).found.all()
    mine = np.array([slot_of(id_) > 10_922 for id_ in IDS])
    cluster.nodes[2].kill()
    batch = await fetch(store)
    np.testing.assert_array_equal(batch.lost, np.where(mine, Lost.FAILED, Lost.NO))
    np.testing.assert_array_equal(batch.found, ~mine)
    np.testing.assert_array_equal(batch.values[~mine], VALUES[~mine])
    with pytest.raises(StoreUnavailable):
        await store.check(time.monotonic() + 5)
    await store.close()


async def test_a_paused_node_makes_its_own_ids_late(cluster: servers.Cluster) -> None:
    store = RedisStore(filled(cluster))
    assert (await fetch(store)).found.all()
    mine = np.array([slot_of(id_) > 10_922 for id_ in IDS])
    cluster.nodes[2].pause()
    batch = await fetch(store, 0.2)
    cluster.nodes[2].resume()
    np.testing.assert_array_equal(batch.lost, np.where(mine, Lost.LATE, Lost.NO))
    end = time.monotonic() + 20
    while not (await fetch(store)).found.all():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    await store.close()
    assert len(asyncio.all_tasks()) <= 2


async def test_any_seed_tells_the_layout(cluster: servers.Cluster) -> None:
    settings = filled(cluster)
    cluster.nodes[0].kill()
    store = RedisStore(settings)
    with pytest.raises(StoreUnavailable):
        await store.check(time.monotonic() + 5)
    await store.close()


async def test_a_server_that_is_no_cluster_says_so(redis_server: servers.Server) -> None:
    store = RedisStore(RedisSettings(redis_server.url, cluster=True))
    with pytest.raises(StoreUnavailable, match="cluster support disabled"):
        await fetch(store)
    await store.close()


async def test_a_node_of_a_cluster_taken_for_a_server(redis_cluster: servers.Cluster) -> None:
    store = RedisStore(RedisSettings(redis_cluster.nodes[0].url))
    with pytest.raises(StoreUnavailable, match="set cluster = true"):
        await fetch_some(store, ["article", *"abcde"])
    await store.close()


async def fetch_some(store: RedisStore, entity_types: list[str]) -> None:
    for name in entity_types:
        await store.fetch(name, IdColumn.from_list(IDS), FEATURES, time.monotonic() + 5)
