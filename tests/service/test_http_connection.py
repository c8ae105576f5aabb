"""HTTP/1.1 as clients speak it, and as they shouldn't."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from service.http.connection import HEAD_BYTES, Connection

CLOSING = b"connection: close"


async def echo(scope, receive, send) -> None:
    """Answer method, path, query and body; what asks for /fail isn't answered."""
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    if message["type"] == "http.disconnect":
        body = b"gone"
    elif scope["path"] == "/fail":
        raise RuntimeError("no answer")
    text = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} ".encode()
    headers = [(b"x-evil", b"a\r\nb")] if scope["path"] == "/evil" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": True})
    await send({"type": "http.response.body", "body": body + message.get("body", b"")})


async def deaf(_scope, _receive, send) -> None:
    """Answer without a look at the body."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"deaf"})


@asynccontextmanager
async def serving(app=echo):
    """Yield the connections of a server, and a reader and a writer of a client's."""
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(app, connections), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield connections, reader, writer
    finally:
        writer.close()
        server.close()
        await asyncio.gather(*(connection.closed for connection in connections))


async def answer(reader) -> tuple[bytes, bytes]:
    """Return the head and the body of the next answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    (length,) = (
        int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length")
    )
    return head, await reader.readexactly(length)


def exchange(sent: bytes, answers: int = 1, app=echo) -> list[tuple[bytes, bytes]]:
    """Send bytes; return so many answers and, where the server then closes, an empty one."""

    async def talk():
        async with serving(app) as (_, reader, writer):
            writer.write(sent)
            found = [await answer(reader) for _ in range(answers)]
            if CLOSING in found[-1][0]:
                found.append((await reader.read(), b""))
            return found

    return asyncio.run(asyncio.wait_for(talk(), 10))


def test_a_body_comes_whole_by_length_or_in_chunks() -> None:
    ((head, body),) = exchange(b"POST /a%20b?q=1 HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ndate: " in head
    assert CLOSING not in head
    assert body == b"POST /a b q=1 body"
    chunks = b"transfer-encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\nlate: 1\r\n\r\n"
    ((_, body),) = exchange(b"POST http://host:1/p HTTP/1.1\r\n" + chunks)
    assert body == b"POST /p  body"


def test_a_large_body_in_pieces_arrives_and_flows_on() -> None:
    size = 3 << 20
    ((_, body),) = exchange(b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)
    assert len(body) == len(b"POST /  ") + size


def test_requests_sent_together_are_answered_in_order() -> None:
    many = b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % i for i in range(200))
    assert [body for _, body in exchange(many, 200)] == [b"GET /%d  " % i for i in range(200)]


@pytest.mark.parametrize(
    ("line", "headers", "closes"),
    [
        (b"GET / HTTP/1.1", b"", False),
        (b"GET / HTTP/1.1", b"connection: close\r\n", True),
        (b"GET / HTTP/1.0", b"", True),
        (b"GET / HTTP/1.0", b"connection: keep-alive\r\n", False),
    ],
)
def test_a_connection_lasts_as_the_client_wants(line: bytes, headers: bytes, closes: bool) -> None:
    found = exchange(line + b"\r\n" + headers + b"\r\n")
    assert (CLOSING in found[0][0]) == closes
    assert found[1:] == [(b"", b"")] * closes
    assert (b"connection: keep-alive" in found[0][0]) == (not closes and line.endswith(b"0"))


def test_a_head_goes_without_its_body() -> None:
    async def talk() -> None:
        async with serving() as (_, reader, writer):
            writer.write(b"HEAD /h HTTP/1.1\r\n\r\nGET /g HTTP/1.1\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length: 9\r\n" in head
            assert (await answer(reader))[1] == b"GET /g  "

    asyncio.run(asyncio.wait_for(talk(), 10))


def test_who_expects_to_be_invited_is() -> None:
    async def talk() -> None:
        async with serving() as (_, reader, writer):
            writer.write(b"PUT / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hi")
            assert (await answer(reader))[1] == b"PUT /  hi"

    asyncio.run(asyncio.wait_for(talk(), 10))


def test_an_upgrade_is_declined_by_going_on_as_before() -> None:
    upgrade = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: x\r\n"
    sent = b"POST /1 HTTP/1.1\r\n" + upgrade + b"content-length: 2\r\n\r\nhi"
    found = exchange(sent + b"GET /2 HTTP/1.1\r\n\r\n", 2)
    assert [body for _, body in found] == [b"POST /1  hi", b"GET /2  "]


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"CONNECT host:1 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nbody",
        b"POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"x" * (HEAD_BYTES + 1),
    ],
)
def test_what_is_not_http_is_refused(sent: bytes) -> None:
    found = exchange(sent)
    assert found[0][0].startswith(b"HTTP/1.1 400 ")
    assert len(found) == 2


def test_what_follows_a_request_and_is_not_http_ends_the_connection() -> None:
    found = exchange(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nnonsense\r\n\r\n", 2)
    assert [body for _, body in found] == [b"GET /1  ", b"GET /2  ", b""]


def test_an_endpoint_hears_that_a_body_broke_off() -> None:
    found = exchange(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n")
    assert found[0][1] == b"POST /  gone"
    assert CLOSING in found[0][0]


@pytest.mark.parametrize("path", [b"/fail", b"/evil"])
def test_an_endpoint_that_fails_is_a_500(path: bytes) -> None:
    found = exchange(b"GET " + path + b" HTTP/1.1\r\n\r\n")
    assert found[0][0].startswith(b"HTTP/1.1 500 ")
    assert b"evil" not in found[0][0]
    assert len(found) == 2


def test_a_little_of_a_body_that_nobody_read_is_thrown_away() -> None:
    def unread(size: int) -> bytes:
        return b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size

    found = exchange(unread(100_000) + b"GET / HTTP/1.1\r\n\r\n", 2, deaf)
    assert [body for _, body in found] == [b"deaf", b"deaf"]

    async def talk() -> None:
        async with serving(deaf) as (connections, reader, writer):
            writer.write(unread(64 << 20))
            assert (await answer(reader))[1] == b"deaf"
            await asyncio.gather(*(connection.closed for connection in connections))

    asyncio.run(asyncio.wait_for(talk(), 10))


def test_a_client_that_does_not_read_its_answers_gets_no_more() -> None:
    async def large(scope, _receive, send) -> None:
        answered.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * (4 << 20)})

    async def talk() -> None:
        async with serving(large) as (_, reader, writer):
            reader._transport.pause_reading()
            for _ in range(50):
                writer.write(b"GET / HTTP/1.1\r\n\r\n")
                await asyncio.sleep(0.001)
            some = len(answered)
            assert some < 10
            reader._transport.resume_reading()
            for _ in range(50):
                await answer(reader)

    answered: list[str] = []
    asyncio.run(asyncio.wait_for(talk(), 20))
    assert len(answered) == 50


def test_who_leaves_is_lost_to_the_endpoint_and_forgotten() -> None:
    async def waiting(_scope, receive, _send) -> None:
        heard.set_result((await receive())["type"])

    async def talk() -> None:
        nonlocal heard
        heard = asyncio.get_running_loop().create_future()
        async with serving(waiting) as (connections, _, writer):
            writer.write(b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n")
            while not connections:
                await asyncio.sleep(0)
            (connection,) = connections
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
            await asyncio.sleep(0.01)
            writer.transport.abort()
            assert await heard == "http.disconnect"
            await connection.closed
            assert not connections

    heard: asyncio.Future[str]
    asyncio.run(asyncio.wait_for(talk(), 10))


def test_leaving_closes_what_is_idle_and_lets_the_rest_finish() -> None:
    async def talk() -> None:
        async with serving() as (connections, reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nh")
            await answer(reader)
            (connection,) = connections
            connection.leave()
            writer.write(b"i")
            head, body = await answer(reader)
            assert CLOSING in head
            assert body == b"POST /  hi"
            assert await reader.read() == b""
        async with serving() as (connections, reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await answer(reader)
            for idle in list(connections):
                idle.leave()
            assert await reader.read() == b""

    asyncio.run(asyncio.wait_for(talk(), 10))
