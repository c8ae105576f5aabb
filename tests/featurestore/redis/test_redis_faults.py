"""RedisStore when the server dies, hangs, talks nonsense or refuses."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import trustme

from featurestore import FeatureBatch, Lost, StoreError, StoreUnavailable, UnknownFeature
from featurestore.redis import RedisSettings, RedisStore, RedisTables
from idcolumn import IdColumn
from tests.featurestore.redis import servers

pytestmark = pytest.mark.anyio

FEATURES = ("alpha", "beta")
IDS = [f"id{i}" for i in range(100)]


def fill(settings: RedisSettings) -> RedisSettings:
    with RedisTables(settings) as tables:
        tables.write("article", IDS, FEATURES, np.full((100, 2), 2.5))
    return settings


def is_ours(task: "asyncio.Task[object]") -> bool:
    """Whether a task belongs to the store, and not to a server of these tests."""
    code = task.get_coro().cr_code  # type: ignore[union-attr]
    return "featurestore/redis/" in code.co_filename and "/tests/" not in code.co_filename


@contextlib.asynccontextmanager
async def opened(settings: RedisSettings) -> AsyncIterator[RedisStore]:
    store = RedisStore(settings)
    try:
        yield store
    finally:
        await store.close()
        assert not [task for task in asyncio.all_tasks() if is_ours(task)]


async def fetch(store: RedisStore, limit_s: float = 10.0) -> FeatureBatch:
    ids = IdColumn.from_list(IDS)
    return await store.fetch("article", ids, FEATURES, time.monotonic() + limit_s)


async def recovered(store: RedisStore) -> None:
    end = time.monotonic() + 20
    while not (await until_it_answers(store)).found.all():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def until_it_answers(store: RedisStore) -> FeatureBatch:
    end = time.monotonic() + 20
    while True:
        with contextlib.suppress(StoreUnavailable):
            return await fetch(store)
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_a_killed_server_is_unavailable_until_it_is_back(
    redis_server: servers.Server,
) -> None:
    settings = fill(RedisSettings(redis_server.url))
    async with opened(settings) as store:
        assert (await fetch(store)).found.all()
        redis_server.kill()
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await fetch(store)
        with pytest.raises(StoreUnavailable, match="redis 127"):
            await store.check(time.monotonic() + 5)
        redis_server.start()
        fill(settings)
        await recovered(store)


async def test_a_paused_server_makes_rows_late_and_its_connections_are_replaced(
    redis_server: servers.Server,
) -> None:
    settings = fill(RedisSettings(redis_server.url, stall_s=0.3))
    async with opened(settings) as store:
        assert (await fetch(store)).found.all()
        redis_server.pause()
        start = time.monotonic()
        assert (await fetch(store, 0.05)).lost.all()
        assert time.monotonic() - start < 2.0
        with pytest.raises(StoreUnavailable, match=r"no answer for|no connection within"):
            await fetch(store)
        redis_server.resume()
        await recovered(store)


async def test_cancelled_fetches_do_not_shift_answers(redis_server: servers.Server) -> None:
    async with opened(fill(RedisSettings(redis_server.url, connections=1))) as store:
        await fetch(store)
        redis_server.pause()
        tasks = [asyncio.create_task(fetch(store)) for _ in range(50)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        redis_server.resume()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends[::2])
        assert all(isinstance(end, FeatureBatch) and end.found.all() for end in ends[1::2])


async def test_fetches_of_all_sizes_beside_checks_get_their_own_rows(
    redis_server: servers.Server,
) -> None:
    ids = [f"many{i}" for i in range(3_000)]
    rows = np.arange(1.0, 6_001.0).reshape(3_000, 2)
    settings = RedisSettings(redis_server.url, connections=1)
    with RedisTables(settings) as tables:
        tables.write("article", ids, FEATURES, rows)
    rng = np.random.default_rng(5)

    async def own_rows(store: RedisStore) -> None:
        wanted = rng.integers(0, 3_000, rng.choice([1, 100, 200, 400, 1_000, 3_000]))
        column = IdColumn.from_list([ids[i] for i in wanted])
        batch = await store.fetch("article", column, FEATURES, time.monotonic() + 10)
        assert batch.found.all()
        assert (batch.values == rows[wanted]).all()

    async with opened(settings) as store:
        for _ in range(50):
            fetches = [own_rows(store) for _ in range(8)]
            await asyncio.gather(*fetches, store.check(time.monotonic() + 10), own_rows(store))


@contextlib.asynccontextmanager
async def fake(
    answer: Callable[[bytes], bytes], greetings: Iterable[bytes] = ()
) -> AsyncIterator[tuple[str, list]]:
    """A server that greets, well once `greetings` are used up, and then says what `answer` does."""
    odd = iter(greetings)
    connections: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError):
            while request := await reader.read(65_536):
                writer.write(next(odd, b"+OK\r\n") if b"SETNAME" in request else answer(request))
        writer.transport.abort()  # type: ignore[attr-defined]

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}", connections
    finally:
        listener.close()
        await asyncio.wait([task for task in connections if task], timeout=10)


FEATURES_REPLY = b'$16\r\n["alpha","beta"]\r\n'


@pytest.mark.parametrize(
    ("garbage", "what"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not the Redis protocol"),
        (b"*2\r\n$1\r\nx\r\n$-1\r\n", "an array of 2"),
        (b"+OK\r\n", "b'OK'"),
        (b":7\r\n", "int '7'"),
        (b"*100\r\n" + b":1\r\n" * 100, "an array of 100"),
        (b"*100\r\n" + b"$-1\r\n" * 100 + b"+more\r\n", "nothing was asked"),
    ],
)
async def test_what_does_not_answer_the_request_ends_the_connection(
    garbage: bytes, what: str
) -> None:
    def answer(request: bytes) -> bytes:
        return FEATURES_REPLY if b"HGET" in request else garbage

    async with fake(answer) as (url, seen), opened(RedisSettings(url, connections=1)) as store:
        if what == "nothing was asked":
            assert not (await fetch(store)).found.any()
        else:
            with pytest.raises(StoreUnavailable, match=what):
                await fetch(store)
        with contextlib.suppress(StoreUnavailable):
            await fetch(store)
        assert len(seen) >= 2


async def test_a_connection_that_ends_with_its_greeting_is_replaced() -> None:
    nothing = b"*100\r\n" + b"$-1\r\n" * 100

    def answer(request: bytes) -> bytes:
        return FEATURES_REPLY if b"HGET" in request else nothing

    async with fake(answer, [b"+OK\r\n+junk\r\n"]) as (url, seen):  # noqa: SIM117
        async with opened(RedisSettings(url, connections=1)) as store:
            with pytest.raises(StoreUnavailable, match="nothing was asked"):
                await fetch(store)
            await until_it_answers(store)
            assert len(seen) == 2


@pytest.mark.parametrize("word", ["LOADING", "CLUSTERDOWN", "MASTERDOWN", "NOPERM", "BUSY", "ODD"])
async def test_errors_of_the_server_are_unavailability(word: str) -> None:
    async with fake(lambda _: f"-{word} so it is\r\n".encode()) as (url, _):  # noqa: SIM117
        async with opened(RedisSettings(url)) as store:
            with pytest.raises(StoreUnavailable, match=word):
                await fetch(store)


async def test_an_error_of_one_of_many_commands_costs_its_own_rows() -> None:
    row = b"$16\r\n" + np.array([2.0, 3.0], "<f8").tobytes() + b"\r\n"

    def answer(request: bytes) -> bytes:
        if b"HGET" in request:
            return FEATURES_REPLY
        assert request.count(b"MGET") == 3
        return b"*100\r\n" + row * 100 + b"-NOPERM of this\r\n" + b"*50\r\n" + row * 50

    async with fake(answer) as (url, _), opened(RedisSettings(url)) as store:
        ids = IdColumn.from_list([f"a{i}" for i in range(250)])
        batch = await store.fetch("article", ids, FEATURES, time.monotonic() + 5)
    assert (batch.lost == np.repeat([Lost.NO, Lost.FAILED, Lost.NO], [100, 100, 50])).all()
    assert (batch.found == (batch.lost == Lost.NO)).all()
    assert (batch.values[batch.found] == (2.0, 3.0)).all()


async def test_concurrent_fetches_share_an_attempt_to_connect() -> None:
    async with fake(lambda _: b"-LOADING\r\n") as (url, seen):  # noqa: SIM117
        async with opened(RedisSettings(url, connections=2)) as store:
            await asyncio.gather(*(fetch(store) for _ in range(100)), return_exceptions=True)
            assert len(seen) <= 2


async def test_a_server_that_takes_nothing_is_not_sent_without_bound() -> None:
    writers: list[asyncio.StreamWriter] = []

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"bandit-serve\r\n")
        writer.write(b"+OK\r\n")
        await reader.readuntil(b"article\r\n")
        writer.write(FEATURES_REPLY)
        writer.transport.pause_reading()  # type: ignore[attr-defined]

    listener = await asyncio.start_server(deaf, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with opened(RedisSettings(url, connections=1, stall_s=30)) as store:
        ids = IdColumn.from_list(["x" * 500] * 10_000)
        ends = await asyncio.gather(
            *(store.fetch("article", ids, FEATURES, time.monotonic() + 1) for _ in range(20)),
            return_exceptions=True,
        )
    listener.close()
    for writer in writers:
        writer.transport.abort()  # type: ignore[attr-defined]
    refused = [end for end in ends if isinstance(end, StoreUnavailable)]
    assert len(refused) >= 10, ends
    assert {str(end).partition("takes ")[2] for end in refused} == {"no more requests"}


async def test_a_row_of_another_length_is_missing(redis_server: servers.Server) -> None:
    with redis_server.client() as client:
        fill(RedisSettings(redis_server.url))
        client.set("bandit:article:id1", b"short")
        client.set("bandit:article:id2", bytes(24))
        client.set("bandit:article:id3", b"")
        client.delete("bandit:article:id4")
        async with opened(RedisSettings(redis_server.url)) as store:
            batch = await fetch(store)
            assert np.flatnonzero(~batch.found).tolist() == [1, 2, 3, 4]
            assert batch.invalid == 3
            np.testing.assert_array_equal(batch.values[5:], 2.5)


async def test_a_table_made_anew_is_noticed(redis_server: servers.Server) -> None:
    settings = fill(RedisSettings(redis_server.url))
    async with opened(settings) as store:
        ids, soon = IdColumn.from_list(["new"]), time.monotonic() + 20
        assert not (await store.fetch("fresh", ids, ("a",), soon)).found.any()
        for impossible in ("a:b", "\ud800"):
            assert not (await store.fetch(impossible, ids, ("a",), soon)).found.any()
        with RedisTables(settings) as tables:
            tables.write("fresh", ["new"], ("a", "b"), np.ones((1, 2)))
        while not (await store.fetch("fresh", ids, ("b",), soon)).found.all():
            assert time.monotonic() < soon
            await asyncio.sleep(0.02)
        with pytest.raises(UnknownFeature):
            await store.fetch("fresh", ids, ("c",), soon)


async def test_passwords_and_rights(tmp_path: Path) -> None:
    rights = ("--user", "reader", "on", ">secret", "~bandit:*", "+hget", "+mget", "+ping")
    options = ("--requirepass", "admin", *rights)
    with servers.server(tmp_path, *options) as made:
        fill(RedisSettings(made.url.replace("//", "//:admin@")))
        good = RedisSettings(made.url.replace("//", "//reader:secret@"))
        async with opened(good) as store:
            assert (await fetch(store)).found.all()
            await store.check(time.monotonic() + 10)
        for user, word in (("reader:wrong@", "WRONGPASS"), ("", "NOAUTH")):
            bad = RedisSettings(made.url.replace("//", f"//{user}"))
            async with opened(bad) as store:
                with pytest.raises(StoreUnavailable, match=word):
                    await fetch(store)
            with RedisTables(bad) as tables, pytest.raises(StoreUnavailable):
                tables.tables()
        with RedisTables(good) as tables, pytest.raises(StoreUnavailable, match="rights"):
            tables.write("article", IDS, FEATURES, np.ones((100, 2)))


async def test_databases_are_apart(redis_server: servers.Server) -> None:
    fill(RedisSettings(f"{redis_server.url}/3"))
    for number, found in ((3, True), (0, False)):
        async with opened(RedisSettings(f"{redis_server.url}/{number}")) as store:
            assert (await fetch(store)).found.all() == found


async def test_tls_with_certificates_of_both_sides(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca, cert, key = (str(tmp_path / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    authority.cert_pem.write_to_path(ca)
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(cert)
    port = servers.free_port()
    tls = ("--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca)
    made = servers.Server(tmp_path, "--tls-port", str(port), *tls, socket_path=tmp_path / "sock")
    url = f"rediss://127.0.0.1:{port}"
    try:
        full = fill(RedisSettings(url, tls_ca=ca, tls_cert=cert, tls_key=key))
        async with opened(full) as store:
            assert (await fetch(store)).found.all()
        unverified = RedisSettings(url, tls_cert=cert, tls_key=key, tls_verify="none")
        async with opened(unverified) as store:
            assert (await fetch(store)).found.all()
        for wrong in (
            RedisSettings(url, tls_cert=cert, tls_key=key),  # an authority nobody knows
            RedisSettings(url, tls_ca=ca),  # no certificate of ours
            RedisSettings(
                url.replace("127.0.0.1", "localhost"), tls_ca=ca, tls_cert=cert, tls_key=key
            ),
            RedisSettings(url.replace("rediss", "redis")),
        ):
            async with opened(wrong) as store:
                with pytest.raises(StoreError):
                    await fetch(store)
    finally:
        made.kill()
