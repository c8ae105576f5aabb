"""RedisStore on a cluster whose slots move and whose nodes go down."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator

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


@contextlib.asynccontextmanager
async def node(answer: Callable[[int, bytes], bytes]) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that greets well and then says what `answer` makes of its port and each request."""
    seen: list[bytes] = []
    tasks: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError):
            while request := await reader.read(65_536):
                seen.append(request)
                writer.write(b"+OK\r\n" if b"SETNAME" in request else answer(port, request))
        writer.transport.abort()  # type: ignore[attr-defined]

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield port, seen
    finally:
        listener.close()
        if tasks:
            await asyncio.wait([task for task in tasks if task], timeout=10)


def slots(port: int) -> bytes:
    return b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:%d\r\n" % port


def served(port: int, request: bytes) -> bytes:
    """What the one node of a cluster says that has no rows."""
    if b"SLOTS" in request:
        return slots(port)
    if b"HGET" in request:
        return b'$16\r\n["alpha","beta"]\r\n'
    return b"$-1\r\n" * request.count(b"GET")


@pytest.mark.parametrize("host", [b"", b"?", b"127.0.0.1"])
async def test_a_node_without_a_name_sends_to_where_it_was_reached(host: bytes) -> None:
    async with node(served) as (target, seen):

        def moved(port: int, request: bytes) -> bytes:
            if b"SLOTS" in request:
                return slots(port)
            return b"-MOVED 3999 %b:%d\r\n" % (host, target) * request.count(b"GET")

        async with node(moved) as (port, _):
            store = RedisStore(RedisSettings(f"redis://127.0.0.1:{port}", cluster=True))
            batch = await fetch(store)
            await store.close()
    assert not batch.lost.any()
    assert sum(request.count(b"GET") for request in seen) >= len(IDS)


async def test_what_moves_again_is_not_taken_for_a_wrong_setting() -> None:
    def moved(port: int, request: bytes) -> bytes:
        if b"SLOTS" in request:
            return slots(port)
        return b"+OK\r\n" * request.count(b"ASKING") + b"-ASK 3999 :%d\r\n" % port

    async with node(moved) as (port, _):
        store = RedisStore(RedisSettings(f"redis://127.0.0.1:{port}", cluster=True))
        with pytest.raises(StoreUnavailable, match=r"moves the key again \(ASK 3999"):
            await fetch(store)
        await store.close()


async def test_seeds_that_tell_nothing_are_not_asked_at_once_again() -> None:
    async with node(lambda *_: b"-LOADING\r\n") as (port, seen):
        store = RedisStore(RedisSettings(f"redis://127.0.0.1:{port}", cluster=True))
        start = time.monotonic()
        for _ in range(100):
            with pytest.raises(StoreUnavailable, match="LOADING"):
                await fetch(store)
        rounds = sum(b"SLOTS" in request for request in seen)
        assert rounds <= 1 + (time.monotonic() - start) / 0.25
        await store.close()
