"""Feature servers that are away, stalled, hostile, or something else altogether."""

import asyncio
import json
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from featurestore import FeatureBatch, StoreCorrupt, StoreError, StoreUnavailable
from featurestore.feast import FeastSettings, FeastStore
from featurestore.feast.failures import TRANSLATIONS
from idcolumn import IdColumn
from loadtest.processes import free_port
from tests.featurestore.feast.servers import FeastServer

pytestmark = pytest.mark.anyio

IDS = IdColumn.from_list(["id1", "id2"])
FEATURES = ("alpha", "beta")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def fetch(store: FeastStore, within_s: float = 20.0) -> FeatureBatch:
    return await store.fetch("article", IDS, FEATURES, time.monotonic() + within_s)


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    _, _, length = head.lower().partition(b"content-length:")
    return head + await reader.readexactly(int(length.split(b"\r\n")[0] or 0))


@asynccontextmanager
async def listening(handle: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Address of a server on a real socket; every connection ends when the block does."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(*parts: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.writelines(parts)
            await writer.drain()

    return handle


@asynccontextmanager
async def opened(url: str, **settings: object) -> AsyncIterator[FeastStore]:
    store = FeastStore(FeastSettings(url, **settings))  # type: ignore[arg-type]
    yield store
    await store.close()


def columns(*rows: tuple[str, list[object], list[str]]) -> bytes:
    results = [{"values": values, "statuses": statuses} for _, values, statuses in rows]
    names = [name for name, _, _ in rows]
    return json.dumps({"metadata": {"feature_names": names}, "results": results}).encode()


def test_every_error_of_httpx_has_a_translation() -> None:
    known = tuple(foreign for foreign, _, _ in TRANSLATIONS)
    public = [getattr(httpx, name) for name in httpx.__all__]
    errors = [kind for kind in public if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(errors) > 20
    assert [kind for kind in errors if not issubclass(kind, known)] == []
    assert all(issubclass(kind, StoreError) for _, kind, _ in TRANSLATIONS)
    hidden = [
        later.__name__
        for position, (later, _, _) in enumerate(TRANSLATIONS)
        for earlier, _, _ in TRANSLATIONS[:position]
        if issubclass(later, earlier)
    ]
    assert hidden == []


async def test_nobody_listens() -> None:
    async with opened(f"http://127.0.0.1:{free_port()}") as store:
        with pytest.raises(StoreUnavailable, match="can't connect"):
            await fetch(store)
        with pytest.raises(StoreUnavailable, match="can't connect"):
            await store.check(time.monotonic() + 20)


async def test_a_server_that_was_killed_is_used_again_when_it_is_back(feast: FeastServer) -> None:
    async with opened(feast.url) as store:
        assert (await fetch(store)).found.all()
        feast.kill()
        try:
            with pytest.raises(StoreUnavailable):
                await fetch(store)
            with pytest.raises(StoreUnavailable):
                await store.check(time.monotonic() + 20)
        finally:
            feast.start()
        assert (await fetch(store)).found.all()
        await store.check(time.monotonic() + 20)


async def test_a_stalled_server_makes_rows_late_and_heals(feast: FeastServer) -> None:
    async with opened(feast.url, connections=8) as store:
        await asyncio.gather(*(fetch(store) for _ in range(8)))
        feast.signal(signal.SIGSTOP)
        try:
            start = time.monotonic()
            stalled = await asyncio.gather(*(fetch(store, 0.2) for _ in range(40)))
            with pytest.raises(StoreUnavailable, match="in time"):
                await store.check(time.monotonic() + 0.1)
            assert time.monotonic() - start < 10
        finally:
            feast.signal(signal.SIGCONT)
        assert all(batch.lost.all() for batch in stalled)
        end = time.monotonic()
        while not (await fetch(store, 0.5)).found.all():
            assert time.monotonic() - end < 5
        healed = await asyncio.gather(*(fetch(store) for _ in range(40)))
        assert all(batch.found.all() for batch in healed)


async def test_a_late_request_gives_up_its_connection() -> None:
    """No answer to one request can be taken for that of the next."""
    hung_up = asyncio.Event()
    good = columns(*((name, [1, 2], ["PRESENT"] * 2) for name in FEATURES))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        if not handle_first:
            handle_first.append(True)
            writer.write(answer("200 OK", good)[:-10])
            await reader.read()
            hung_up.set()
        else:
            writer.write(answer("200 OK", good))
            await reader.read()

    handle_first: list[bool] = []
    async with listening(handle) as url, opened(url, connections=1) as store:
        assert (await fetch(store, 0.3)).lost.all()
        batch = await fetch(store)
        np.testing.assert_array_equal(batch.values, [[1.0, 1.0], [2.0, 2.0]])
        async with asyncio.timeout(10):
            await hung_up.wait()


async def test_with_all_connections_taken_rows_are_late() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        taken.append(True)
        await reader.read()

    taken: list[bool] = []
    async with listening(silent) as url, opened(url, connections=2) as store:
        limits_s = [2.0, 2.0, 0.3, 0.3, 0.3]
        batches = await asyncio.gather(*(fetch(store, limit_s) for limit_s in limits_s))
        assert all(batch.lost.all() for batch in batches)
        assert len(taken) == 2


async def test_closing_ends_the_fetches_under_way() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()

    asked = asyncio.Event()
    async with listening(silent) as url, opened(url) as store:
        under_way = asyncio.create_task(fetch(store, 2.0))
        await asked.wait()
        await store.close()
        ends = await asyncio.gather(under_way, return_exceptions=True)
        assert isinstance(ends[0], StoreUnavailable) or ends[0].lost.all()


async def test_requests_cancelled_at_any_moment_take_no_place_for_good() -> None:
    good = columns(*((name, [1, 2], ["PRESENT"] * 2) for name in FEATURES))
    rng = np.random.default_rng(3)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            await asyncio.sleep(rng.exponential(0.002))
            writer.write(answer("200 OK", good))

    async with listening(slow) as url, opened(url, connections=4) as store:
        for _ in range(20):
            limits_s = rng.exponential(0.01, 40).tolist()
            await asyncio.gather(*(fetch(store, limit_s) for limit_s in limits_s))
        batches = await asyncio.gather(*(fetch(store) for _ in range(40)))
    assert all(batch.found.all() for batch in batches)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"metadata": {"feature_names": ["alpha", "beta"]}, "results": []}',
        b'{"metadata": {"feature_names": [["alpha"], "beta"]}, "results": [{}, {}]}',
        columns(("alpha", [1, 2], ["PRESENT"] * 2)),
        columns(*((name, [1], ["PRESENT"]) for name in FEATURES)),
        columns(*((name, [1, 2], ["PRESENT"]) for name in FEATURES)),
        columns(*((name, [1, [2]], ["PRESENT"] * 2) for name in FEATURES)),
        columns(*((name, [1, "two"], ["PRESENT"] * 2) for name in FEATURES)),
        columns(*((name, [1, {}], ["PRESENT"] * 2) for name in FEATURES)),
        b"[" * 10_000,
    ],
)
async def test_what_is_no_answer_is_called_corrupt(body: bytes) -> None:
    async with listening(saying(answer("200 OK", body))) as url, opened(url) as store:
        with pytest.raises(StoreCorrupt, match="answer"):
            await fetch(store)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP"),
        (answer("200 OK", b"{}", "content-length: 7"), "does not speak HTTP"),
        (answer("404 Not Found", b'{"detail":"Not Found"}'), "answers 404.*Not Found"),
        (answer("307 Moved", b"", "location: http://127.0.0.1:1/"), "answers 307"),
        (answer("401 No", b'{"detail":"Missing authentication token"}'), "401.*token"),
        (answer("500 Oh", b"\xff" * 2_000), "answers 500"),
        (answer("503 Busy", b"try later"), "answers 503.*later"),
    ],
)
async def test_other_answers_are_told_of(said: bytes, match: str) -> None:
    async with listening(saying(said)) as url, opened(url) as store:
        with pytest.raises(StoreUnavailable, match=match):
            await fetch(store)
        with pytest.raises(StoreError):
            await fetch(store)


@pytest.mark.parametrize("status", ["200 OK", "500 Oh"])
async def test_an_answer_without_end_is_cut_off(status: str) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        while True:
            writer.write(b" " * 100_000)
            sent += 100_000
            await writer.drain()

    async with listening(flood) as url, opened(url) as store:
        with pytest.raises(StoreCorrupt, match="answers with over"):
            await fetch(store)
        assert sent < 50_000_000


async def test_statuses_that_mean_missing() -> None:
    """Feast 0.67 answers PRESENT and NOT_FOUND alone; its protocol knows these too."""
    ids = ["here", "null", "old", "gone", "half", "invalid"]
    text = ["PRESENT", "NULL_VALUE", "OUTSIDE_MAX_AGE", "NOT_FOUND", "NOT_FOUND", "INVALID"]
    beta = [*text[:4], "PRESENT", "INVALID"]
    body = columns(
        ("alpha", [1.5, None, 3, None, None, None], text), ("beta", [2, None, 4, None, 1, 2], beta)
    )
    async with listening(saying(answer("200 OK", body))) as url, opened(url) as store:
        column = IdColumn.from_list(ids)
        batch = await store.fetch("article", column, FEATURES, time.monotonic() + 20)
    assert batch.found.tolist() == [True] + [False] * 5
    assert batch.invalid == 2
    assert np.isnan(batch.values[1:]).all()


async def test_the_token_and_the_path_are_sent() -> None:
    heads: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_request(reader))
        writer.write(answer("200 OK", b"{}"))
        await reader.read()

    async with listening(handle) as url, opened(url + "/feast/", token="s3cret") as store:  # noqa: S106
        await store.check(time.monotonic() + 20)
        assert "s3cret" not in repr(store) + repr(FeastSettings(url, token="s3cret"))  # noqa: S106
    assert heads[0].startswith(b"GET /feast/health HTTP/1.1\r\n")
    assert b"authorization: bearer s3cret\r\n" in heads[0].lower()


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS, and the certificate that it shows."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return tls, certificate


async def test_a_certificate_is_verified(certified: tuple[ssl.SSLContext, Path]) -> None:
    tls, certificate = certified
    async with listening(saying(answer("200 OK", b"")), tls) as url:
        async with opened(url, tls_ca=certificate) as store:
            await store.check(time.monotonic() + 20)
        async with opened(url) as store:
            with pytest.raises(StoreUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
                await store.check(time.monotonic() + 20)
        gone = certificate.with_name("gone.pem")
        gone.write_bytes(certificate.read_bytes())
        async with opened(url, tls_ca=gone) as store:
            gone.unlink()
            with pytest.raises(StoreUnavailable, match="No such file"):
                await store.check(time.monotonic() + 20)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:6566",
        "ftp://host",
        "http://",
        "http://host:x",
        "http://h/?q=1",
        "http://me:secret@h",
    ],
)
def test_a_wrong_url_is_refused(url: str) -> None:
    (problem,) = FeastSettings(url).problems()
    assert problem.startswith("url is ")
    assert "secret" not in problem


def test_all_wrong_settings_are_listed() -> None:
    settings = FeastSettings("nowhere", connections=0, tls_ca=Path("/no.pem"), token="a\nb")  # noqa: S106
    with pytest.raises(
        ValueError, match=r"url is .*; tls_ca is '/no.pem'.*; connections is 0, .*; t"
    ):
        FeastStore(settings)


def test_a_join_key_is_the_entity_type_with_id_unless_told() -> None:
    settings = FeastSettings(join_keys={"driver_hourly_stats": "driver_id"})
    assert settings.join_key("driver_hourly_stats") == "driver_id"
    assert settings.join_key("article") == "article_id"
