"""Faults that no mode of the proxy makes alone, against Redis behind its wrapper."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from featurestore import Chunked, FeatureBatch, FeatureStore, Lost
from featurestore.breaker import BreakerState
from idcolumn import IdColumn
from tests.featurestore.faults.backends import HOST, Backend, redis
from tests.featurestore.faults.faulty_requests import ENTITY_TYPE, FEATURES, MODES, table
from tests.featurestore.faults.leaks import connections_gone, nothing_left, until
from tests.featurestore.faults.modes import Delay, Pass
from tests.featurestore.faults.proxy import Proxy

pytestmark = pytest.mark.anyio

IDS, VALUES = table()
CONNECTIONS = 2  # of a Redis store by default
RECOVERED_WITHIN_S = 2.0


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with redis(tmp_path_factory.mktemp("redis")) as made:
        yield made


@contextlib.asynccontextmanager
async def opened(backend: Backend) -> AsyncIterator[tuple[Chunked, Proxy]]:
    with Proxy(HOST, backend.port) as proxy:
        async with closing(Chunked(backend.make(proxy.port))) as store:
            await recovered(store)
            yield store, proxy
        await connections_gone(proxy)


@contextlib.asynccontextmanager
async def closing(store: Chunked) -> AsyncIterator[Chunked]:
    async with nothing_left():
        try:
            yield store
        finally:
            await store.close()


async def fetch(store: FeatureStore, start: int = 0, within_s: float = 0.05) -> FeatureBatch:
    ids = IdColumn.from_list(IDS[start : start + 100])
    batch = await store.fetch(ENTITY_TYPE, ids, FEATURES, time.monotonic() + within_s)
    assert (batch.found == (batch.lost == Lost.NO)).all()
    np.testing.assert_array_equal(batch.values[batch.found], VALUES[start:][:100][batch.found])
    return batch


async def recovered(store: FeatureStore) -> None:
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    while not (await fetch(store, within_s=0.5)).found.all():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_replies_after_their_requests_were_given_up_go_to_nobody(backend: Backend) -> None:
    async with opened(backend) as (store, proxy):
        proxy.set(Delay(to_client_s=0.08))
        random, found = np.random.default_rng(1), 0
        for _ in range(20):  # given up, or cancelled, while the replies of others come in
            starts = random.integers(0, len(IDS) - 100, 10)
            fetches = [
                asyncio.create_task(fetch(store, start, within_s))
                for start in starts
                for within_s in (0.02, 0.05, 0.2)
            ]
            await asyncio.sleep(0.01)
            for task in fetches[::7]:
                task.cancel()
            for batch in await asyncio.gather(*fetches, return_exceptions=True):
                assert isinstance(batch, FeatureBatch | asyncio.CancelledError), batch
                found += isinstance(batch, FeatureBatch) and bool(batch.found.any())
        assert found
        proxy.set(Pass())
        await recovered(store)


async def test_half_a_reply_and_then_silence(backend: Backend) -> None:
    half = b"*100\r\n$16\r\n12345678"
    greeted = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while request := await reader.read(65_536):
                record = b'$16\r\n["alpha","beta"]\r\n'
                known = {b"SETNAME": b"+OK\r\n", b"HGET": record}
                said = next((said for word, said in known.items() if word in request), half)
                writer.write(said)
                greeted.set()
        writer.transport.abort()  # type: ignore[attr-defined]

    listener = await asyncio.start_server(serve, HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    async with closing(Chunked(backend.make(port))) as store:
        for _ in range(30):
            began = time.monotonic()
            assert (await fetch(store, within_s=0.06)).lost.all()
            assert time.monotonic() - began < 1.0
        assert greeted.is_set()
        assert store.line.breaker.openings == 1
    listener.close()


async def test_a_server_that_accepts_and_closes_is_not_stormed(backend: Backend) -> None:
    accepted = 0

    def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        writer.transport.abort()  # type: ignore[attr-defined]

    listener = await asyncio.start_server(slam, HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    async with closing(Chunked(backend.make(port))) as store:
        began = time.monotonic()
        for _ in range(200):
            batches = await asyncio.gather(*(fetch(store) for _ in range(20)))
            assert all(batch.lost.all() for batch in batches)
        elapsed = time.monotonic() - began
    listener.close()
    assert accepted <= 2 * CONNECTIONS * (10 + elapsed / 0.05)


async def test_the_recovery_is_no_storm_of_connections(backend: Backend) -> None:
    async with opened(backend) as (store, proxy):
        proxy.set(MODES["cut"])
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            batches = await asyncio.gather(*(fetch(store) for _ in range(100)))
            assert all(batch.lost.all() for batch in batches)
            await asyncio.sleep(0.001)
        opened_before = proxy.opened
        proxy.set(Pass())
        deadline = time.monotonic() + RECOVERED_WITHIN_S
        while not all(b.found.all() for b in batches):
            assert time.monotonic() < deadline
            batches = await asyncio.gather(*(fetch(store, within_s=0.5) for _ in range(100)))
            await asyncio.sleep(0.001)
        assert proxy.opened - opened_before <= 2 * CONNECTIONS


@pytest.mark.usefixtures("backend")
async def test_a_name_that_is_none() -> None:
    from featurestore.redis import RedisSettings, RedisStore

    url = "redis://absent.invalid:6379"
    await RedisStore(RedisSettings(url)).close()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):  # the thread that looks names up stays
        await loop.getaddrinfo("absent.invalid", 6379)
    store = Chunked(RedisStore(RedisSettings(url)))
    for _ in range(30):
        began = time.monotonic()
        assert (await fetch(store)).lost.all()
        assert time.monotonic() - began < 1.0
    await store.close()


async def test_deadlines_that_have_passed_or_are_near_say_nothing_of_the_store(
    backend: Backend,
) -> None:
    async with opened(backend) as (store, _):
        for _ in range(200):
            for within_s in (-1.0, 0.0, 0.0001, 0.001):
                batch = await fetch(store, within_s=within_s)
                assert batch.lost.all() or batch.found.all()
                assert set(batch.lost) <= {Lost.NO, Lost.LATE}
        assert store.line.breaker.state is BreakerState.CLOSED
        assert (await fetch(store, within_s=0.5)).found.all()


async def test_ten_thousand_fetches_at_once(backend: Backend) -> None:
    async with opened(backend) as (store, proxy):
        batches = await asyncio.gather(
            *(fetch(store, n % 1900, within_s=20.0) for n in range(10_000))
        )
        assert all(batch.found.all() for batch in batches)
        assert proxy.opened <= CONNECTIONS
        batches = await asyncio.gather(*(fetch(store, n % 1900, 0.05) for n in range(10_000)))
        assert store.line.in_flight == 0 or await drained(store)
        await recovered(store)


async def drained(store: Chunked) -> bool:
    await until(lambda: store.line.in_flight == 0, lambda: "still in flight", 5)
    return True


async def test_a_blocked_event_loop_is_not_taken_for_a_dead_store(backend: Backend) -> None:
    async with opened(backend) as (store, proxy):
        for _ in range(3):
            fetches = [asyncio.create_task(fetch(store, n, 0.2)) for n in range(100)]
            asyncio.get_running_loop().call_later(0.001, time.sleep, 1.2)  # beyond stall_s
            await asyncio.gather(*fetches)
            assert store.line.breaker.state is BreakerState.CLOSED
            assert (await fetch(store, within_s=0.5)).found.all()
        assert store.line.breaker.openings == 0
        assert proxy.opened <= 2 * CONNECTIONS  # one that was looked at in between is replaced
