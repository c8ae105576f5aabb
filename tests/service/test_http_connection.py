"""HTTP/1.1 as clients speak it, and as they shouldn't."""

import asyncio
import gc
import socket
import tracemalloc
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise

import pytest
import uvloop

from loadtest.processes import free_port
from service.admission import ADMITTED
from service.errors import NotHttp, Problem
from service.http.connection import HEAD_BYTES, Connection
from service.http.exchange import Exchange
from service.http.turns import AT_ONCE, SOON_S, Turns
from service.http.worker import listen

CLOSING = b"connection: close"
GET = b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
HOST = "127.0.0.1"
ASKED = Counter[str]()  # paths that were to be taken in
REFUSED: list[Problem] = []  # what the latest server refused by itself


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


class Plain:
    """An application that takes in every request but those to /full, and limits /limited."""

    def __init__(self, app) -> None:
        self.call = app

    async def __call__(self, scope, receive, send) -> None:
        await self.call(scope, receive, send)

    def admit(self, scope):
        ASKED[scope["path"]] += 1
        if scope["path"] == "/limited":
            scope[ADMITTED] = True
        return (429, [], b"full") if scope["path"] == "/full" else None

    def refused(self, problem: Problem) -> None:
        REFUSED.append(problem)

    def entrance(self, target: bytes):
        return DIRECT.get(target)


class Direct:
    """An entrance that echoes bodies; some of them fail, wait, or are refused."""

    most_bytes = 1000

    def admit(self, headers):
        return (429, [], b"full") if headers.get(b"content-type") == b"full" else None

    async def respond(self, headers, body):
        loop = asyncio.get_running_loop()
        if b"fail" in body:
            await asyncio.sleep(0 if b"late" in body else -1)
            raise RuntimeError("no answer")
        if body == b"wait":
            broken = loop.create_future()
            loop.call_later(0.01, broken.set_exception, ValueError("broken"))
            with pytest.raises(ValueError, match="broken"):
                await broken
            await asyncio.sleep(0.01)
            async with asyncio.timeout(1):
                await asyncio.sleep(0)
        return 200, [(b"x-type", headers.get(b"content-type", b"none"))], b"direct " + body


DIRECT = {b"/direct": Direct()}


def run(talk):
    return uvloop.run(asyncio.wait_for(talk, 20))


@asynccontextmanager
async def serving(app=echo):
    """Yield the connections of a server, and a reader and a writer of a client's."""
    connections: set[Connection] = set()

    turns = Turns()

    def made() -> Connection:
        return Connection(Plain(app), connections, turns)

    REFUSED.clear()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(made, "127.0.0.1", 0)
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


def exchange(
    sent: bytes, answers: int = 1, app=echo, half: bool = False
) -> list[tuple[bytes, bytes]]:
    """Send bytes; return so many answers and, where the server then closes, an empty one."""

    async def talk():
        async with serving(app) as (_, reader, writer):
            writer.write(sent)
            if half:
                writer.write_eof()
            found = [await answer(reader) for _ in range(answers)]
            if half or CLOSING in found[-1][0]:
                found.append((await reader.read(), b""))
            return found

    return run(talk())


def test_a_body_comes_whole_by_length_or_in_chunks() -> None:
    ((head, body),) = exchange(
        b"POST /a%20b?q=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody"
    )
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ndate: " in head
    assert CLOSING not in head
    assert body == b"POST /a b q=1 body"
    chunks = b"transfer-encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\nlate: 1\r\n\r\n"
    ((_, body),) = exchange(b"POST http://host:1/p HTTP/1.1\r\nhost: x\r\n" + chunks)
    assert body == b"POST /p  body"


def test_a_large_body_in_pieces_arrives_and_flows_on() -> None:
    size = 3 << 20
    ((_, body),) = exchange(
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size
    )
    assert len(body) == len(b"POST /  ") + size


def direct(body: bytes, more: bytes = b"") -> bytes:
    length = b"content-length: %d\r\n" % len(body)
    return b"POST /direct HTTP/1.1\r\nhost: x\r\n" + more + length + b"\r\n" + body


async def asked(reader, writer, *pieces: bytes) -> bytes:
    """Send a request in pieces that come apart; return the body of its answer."""
    for piece in pieces:
        writer.write(piece)
        await others_are_answered(writer, 2)
    return (await answer(reader))[1]


def test_a_plain_request_in_one_piece_needs_no_asgi() -> None:
    async def talk() -> None:
        async with serving() as (_, reader, writer):
            for _ in range(2):
                assert await asked(reader, writer, direct(b"a")) == b"direct a"
                assert await asked(reader, writer, GET % b"/1") == b"GET /1  "
            writer.write(direct(b"b", b"Content-Type: text\r\n"))
            head, body = await answer(reader)
            assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
            assert b"\r\nx-type: text\r\n" in head
            assert CLOSING not in head
            assert body == b"direct b"

    run(talk())


def test_any_other_request_to_the_same_path_goes_by_asgi() -> None:
    asgi = b"POST /direct  "

    async def talk() -> None:
        async with serving() as (_, reader, writer):
            for sent in (direct(b"abc")[:20], direct(b"abc")[:1]):
                rest = direct(b"abc")[len(sent) :]
                assert await asked(reader, writer, sent, rest) == asgi + b"abc"
                assert await asked(reader, writer, direct(b"abc")) == b"direct abc"
            assert await asked(reader, writer, direct(b"x" * 1001)) == asgi + b"x" * 1001
            assert await asked(reader, writer, CHUNKED[:-2] + b"\r\n0\r\n\r\n") == b"POST /  "
            assert await asked(reader, writer, direct(b"", b"connection: close\r\n")) == asgi
            assert await reader.read() == b""

    run(talk())


def test_blanks_around_a_value_are_no_part_of_it_either_way() -> None:
    async def typed(_scope, _receive, send) -> None:
        kind = dict(_scope["headers"])[b"content-type"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"'%b'" % kind})

    async def talk() -> None:
        async with serving(typed) as (_, reader, writer):
            more = b"content-type:\t a b \t\r\n"
            writer.write(direct(b"", more))
            head, _ = await answer(reader)
            assert b"\r\nx-type: a b\r\n" in head
            writer.write(direct(b"", more).replace(b"/direct", b"/"))
            assert (await answer(reader))[1] == b"'a b'"

    run(talk())


def test_a_body_in_pieces_is_plain_if_they_come_soon() -> None:
    async def talk() -> None:
        async with serving() as (connections, reader, writer):
            await others_are_answered(writer, 1)
            (connection,) = connections
            sent = direct(b"abcd")
            for pieces in ((sent[:-1], sent[-1:]), (sent[:-4], sent[-4:-2], sent[-2:])):
                for piece in pieces:
                    connection.data_received(piece)
                assert (await answer(reader))[1] == b"direct abcd"
            writer.write(sent[:-1])
            await asyncio.sleep(5 * SOON_S)
            assert await asked(reader, writer, sent[-1:]) == b"POST /direct  abcd"
            connection.data_received(sent[:-1])
            connection.data_received(sent[-1:] + sent)
            assert (await answer(reader))[1] == b"POST /direct  abcd"
            assert (await answer(reader))[1] == b"POST /direct  abcd"
            assert await asked(reader, writer, sent) == b"direct abcd"

    run(talk())


def test_who_breaks_off_a_piece_is_lost_to_the_endpoint() -> None:
    found = exchange(direct(b"abcd")[:-1], half=True)
    assert [body for _, body in found] == [b"POST /direct  gone", b""]


def test_leaving_lets_who_sent_a_piece_finish() -> None:
    async def talk() -> None:
        async with serving() as (connections, reader, writer):
            writer.write(direct(b"abcd")[:-1])
            await others_are_answered(writer, 2)
            (connection,) = connections
            connection.leave()
            writer.write(b"d")
            head, body = await answer(reader)
            assert CLOSING in head
            assert body == b"POST /direct  abcd"
            assert await reader.read() == b""

    run(talk())


def test_plain_requests_keep_the_order_whatever_waits() -> None:
    async def talk() -> None:
        async with serving() as (_, reader, writer):
            assert await asked(reader, writer, direct(b"wait"), GET % b"/2") == b"direct wait"
            assert (await answer(reader))[1] == b"GET /2  "
            assert await asked(reader, writer, direct(b"wait"), direct(b"3")) == b"direct wait"
            assert (await answer(reader))[1] == b"POST /direct  3"
            assert await asked(reader, writer, direct(b"4") + direct(b"5")) == b"POST /direct  4"
            assert (await answer(reader))[1] == b"POST /direct  5"
            assert await asked(reader, writer, direct(b"6")) == b"direct 6"

    run(talk())


def test_a_plain_request_that_is_not_taken_in_is_told_so() -> None:
    async def talk() -> None:
        async with serving() as (_, reader, writer):
            writer.write(direct(b"a", b"content-type: full\r\n"))
            head, body = await answer(reader)
            assert head.startswith(b"HTTP/1.1 429 ")
            assert body == b"full"
            assert await asked(reader, writer, direct(b"b")) == b"direct b"

    run(talk())


@pytest.mark.parametrize("body", [b"fail", b"fail late"])
def test_a_plain_request_whose_answer_fails_is_a_500(body: bytes, caplog) -> None:
    found = exchange(direct(body))
    assert found[0][0].startswith(b"HTTP/1.1 500 ")
    assert found[1:] == [(b"", b"")]
    assert "no answer" in caplog.text


def test_who_leaves_while_a_plain_request_waits_is_forgotten() -> None:
    async def talk() -> None:
        async with serving() as (connections, _, writer):
            writer.write(direct(b"wait"))
            await others_are_answered(writer)
            (connection,) = connections
            writer.transport.abort()
            await connection.closed
            await asyncio.sleep(0.05)

    run(talk())


def test_requests_sent_together_are_answered_in_order() -> None:
    many = b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % i for i in range(200))
    assert [body for _, body in exchange(many, 200)] == [b"GET /%d  " % i for i in range(200)]


@pytest.mark.parametrize(
    ("line", "headers", "closes"),
    [
        (b"GET / HTTP/1.1", b"host: x\r\n", False),
        (b"GET / HTTP/1.1", b"host: x\r\nconnection: close\r\n", True),
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
            writer.write(b"HEAD /h HTTP/1.1\r\nhost: x\r\n\r\nGET /g HTTP/1.1\r\nhost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-length: 9\r\n" in head
            assert (await answer(reader))[1] == b"GET /g  "

    run(talk())


@pytest.mark.parametrize("expected", [b"100-continue", b"100-Continue"])
def test_who_expects_to_be_invited_is_once(expected: bytes) -> None:
    async def talk() -> None:
        async with serving() as (_, reader, writer):
            writer.write(POST + b"expect: %b\r\ncontent-length: 3\r\n\r\n" % expected)
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            for piece in (b"a", b"b", b"c"):
                writer.write(piece)
                await others_are_answered(writer)
            assert (await answer(reader))[1] == b"POST /  abc"

    run(talk())


@pytest.mark.parametrize("sent", [POST, b"POST / HTTP/1.0\r\n"])
def test_who_can_not_be_invited_or_has_begun_is_not(sent: bytes) -> None:
    async def talk() -> None:
        async with serving() as (_, reader, writer):
            writer.write(sent + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n")
            if sent is POST:
                writer.write(b"h")
            await others_are_answered(writer)
            writer.write(b"hi"[-1 if sent is POST else 0 :])
            head, body = await answer(reader)
            assert head.startswith(b"HTTP/1.1 200 ")
            assert body == b"POST /  hi"

    run(talk())


def test_an_upgrade_is_declined_by_going_on_as_before() -> None:
    upgrade = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: x\r\n"
    sent = POST + upgrade + b"content-length: 2\r\n\r\nhi"
    found = exchange(sent + GET % b"/2", 2)
    assert [body for _, body in found] == [b"POST /  hi", b"GET /2  "]
    found = exchange(sent * 600, 600)
    assert [body for _, body in found] == [b"POST /  hi"] * 600


def test_an_upgrade_may_ask_to_close() -> None:
    found = exchange(POST + b"connection: close, upgrade\r\nupgrade: h2c\r\n\r\n")
    assert CLOSING in found[0][0]


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"nonsense" * 50_000,
        b"CONNECT host:1 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
        b"GET / HTTP/2.0\r\nhost: x\r\n\r\n",
        b"GET /\r\n\r\n",
        b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST + b"transfer-encoding: ,chunked\r\n\r\n0\r\n\r\n",
        GET % (b"/" + b"x" * 100_000),
        b"GET / HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nbody",
        POST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"x" * (HEAD_BYTES + 1),
    ],
)
def test_what_is_not_http_is_refused(sent: bytes, caplog) -> None:
    found = exchange(sent)
    assert found[0][0].startswith(b"HTTP/1.1 400 ")
    assert b'"status":400' in found[0][1]
    assert found[1:] == [(b"", b"")]
    assert [type(problem) for problem in REFUSED] == [NotHttp]
    assert not caplog.records


def test_what_follows_a_body_in_one_read_counts_as_a_head_alone() -> None:
    sent = POST + b"content-length: 100000\r\n\r\n" + b"x" * 100_000

    async def talk() -> None:
        async with serving() as (_, reader, writer):
            writer.write(sent + (GET % b"/2")[:10])
            assert len((await answer(reader))[1]) > 100_000
            writer.write((GET % b"/2")[10:])
            assert (await answer(reader))[1] == b"GET /2  "

    run(talk())


def test_trailers_are_not_kept() -> None:
    async def talk() -> None:
        async with serving() as (_, reader, writer):
            writer.write(CHUNKED + b"0\r\n")
            await others_are_answered(writer)
            tracemalloc.start()
            writer.write(trailers)
            await others_are_answered(writer)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 6 << 20  # kept, they take 20 MB
            writer.write(b"\r\n")
            assert (await answer(reader))[1] == b"POST /  "

    trailers = b"a:b\r\n" * 100_000
    run(talk())


@pytest.mark.parametrize(
    ("sent", "bodies"),
    [
        (GET % b"/1", [b"GET /1  "]),
        (GET % b"/1" * 100, [b"GET /1  "] * 100),
        (POST + b"content-length: 4\r\n\r\nbo", [b"POST /  gone"]),
    ],
)
def test_who_asked_and_sends_no_more_is_answered(sent: bytes, bodies: list[bytes]) -> None:
    found = exchange(sent, len(bodies), half=True)
    assert [body for _, body in found] == [*bodies, b""]


def test_who_goes_without_a_question_is_forgotten() -> None:
    async def talk() -> None:
        async with serving() as (connections, _, writer):
            writer.write(b"GET / HT")
            await others_are_answered(writer)
            (connection,) = connections
            writer.close()
            await connection.closed

    run(talk())


def test_an_answer_reaches_who_sends_more_than_it_said() -> None:
    found = exchange(POST + b"connection: close\r\n\r\n" + b"x" * (2 << 20))
    assert found[0][1] == b"POST /  "


def test_a_request_is_answered_once(caplog) -> None:
    async def twice(scope, receive, send) -> None:
        await echo(scope, receive, send)
        await echo(scope, receive, send)

    found = exchange(GET % b"/1" + GET % b"/2", 2, twice)
    assert [body for _, body in found] == [b"GET /1  ", b"GET /2  "]
    assert "answered once" in caplog.text


def test_what_follows_a_request_and_is_not_http_ends_the_connection() -> None:
    found = exchange(
        b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\nnonsense\r\n\r\n", 2
    )
    assert [body for _, body in found] == [b"GET /1  ", b"GET /2  ", b""]


def test_an_endpoint_hears_that_a_body_broke_off() -> None:
    found = exchange(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n")
    assert found[0][1] == b"POST /  gone"
    assert CLOSING in found[0][0]


def test_who_is_not_taken_in_is_told_so_before_the_body_comes() -> None:
    async def talk() -> None:
        async with serving() as (_, reader, writer):
            for end in (GET % b"/1", GET % b"/2"):
                writer.write(b"POST /full HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n")
                head, body = await answer(reader)
                assert head.startswith(b"HTTP/1.1 429 ")
                assert body == b"full"
                writer.write(b"body" + end)
                assert (await answer(reader))[1] == end[:6] + b"  "

    run(talk())


def test_who_is_not_taken_in_keeps_the_order() -> None:
    full = b"POST /full HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody"
    found = exchange((full + GET % b"/1" + full) * 100, 300)
    assert [body for _, body in found] == [b"full", b"GET /1  ", b"full"] * 100
    found = exchange(GET % b"/1" + full * 700, 701)
    assert [body for _, body in found] == [b"GET /1  "] + [b"full"] * 700
    found = exchange(full * 3000, 3000)
    assert {body for _, body in found} == {b"full"}
    found = exchange(full.replace(b"host: x", b"host: x\r\nconnection: close"))
    assert found[1:] == [(b"", b"")]


def test_who_is_not_taken_in_time_and_again_leaves_turns_to_others() -> None:
    full = b"POST /full HTTP/1.1\r\nhost:\r\ncontent-length: 0\r\n\r\n"

    async def talk() -> None:
        async with serving() as (_, reader, writer):
            writer.write(full * 3000)
            answers = asyncio.create_task(reader.readexactly(3000 * 63))
            before, most = ASKED.total(), 0
            while not answers.done():
                await asyncio.sleep(0)
                before, most = ASKED.total(), max(most, ASKED.total() - before)
            assert (await answers).count(b"HTTP/1.1 429 ") > 0
            assert 0 < most < 5

    run(talk())


def test_what_has_no_limit_does_not_wait_for_what_has() -> None:
    begun: list[str] = []

    async def noted(scope, receive, send) -> None:
        begun.append(scope["path"])
        await echo(scope, receive, send)

    async def talk() -> None:
        async with serving(noted) as (connections, reader, writer):
            address = writer.get_extra_info("peername")
            clients = [socket.create_connection(address) for _ in range(60)]
            while len(connections) < 61:
                await asyncio.sleep(0)
            for client in clients:
                client.sendall(GET % b"/limited")
            writer.write(GET % b"/probe")
            assert (await answer(reader))[1] == b"GET /probe  "
            while len(begun) < 61:
                await asyncio.sleep(0)
            assert begun.index("/probe") <= AT_ONCE
            for client in clients:
                client.close()

    run(talk())


def test_a_turn_of_the_loop_begins_a_bounded_number_of_requests() -> None:
    async def begin() -> None:
        turns, begun, lengths = Turns(), [], [0]
        for number in range(40):
            turns.begin(partial(begun.append, number))
        while len(begun) < 40:
            lengths.append(len(begun))
            await asyncio.sleep(0)
        assert begun == list(range(40))
        assert max(b - a for a, b in pairwise(lengths)) == AT_ONCE
        turns.begin(partial(begun.append, 40))
        assert begun[-1] == 40

    run(begin())


def test_a_burst_of_connections_is_accepted_in_a_few_turns_of_the_loop() -> None:
    async def connect() -> None:
        connections, turns, port = set(), Turns(), free_port()
        servers = await listen(lambda: Connection(Plain(echo), connections, turns), HOST, port)
        clients = [socket.create_connection((HOST, port)) for _ in range(64)]
        passed = 0
        while len(connections) < len(clients):
            await asyncio.sleep(0)
            passed += 1
        assert passed < len(clients) / 2
        for each in (*clients, *servers):
            each.close()
        await asyncio.gather(*(connection.closed for connection in connections))

    run(connect())


@pytest.mark.parametrize("path", [b"/fail", b"/evil"])
def test_an_endpoint_that_fails_is_a_500(path: bytes) -> None:
    found = exchange(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert found[0][0].startswith(b"HTTP/1.1 500 ")
    assert b"evil" not in found[0][0]
    assert len(found) == 2


def test_a_little_of_a_body_that_nobody_read_is_thrown_away() -> None:
    def unread(size: int) -> bytes:
        return b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size

    found = exchange(unread(100_000) + b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", 2, deaf)
    assert [body for _, body in found] == [b"deaf", b"deaf"]

    assert exchange(unread(64 << 20), 1, deaf)[1:] == [(b"", b"")]


async def large(scope, _receive, send) -> None:
    """Answer by 4 MB, but shortly what asks for /."""
    body = b"x" * (0 if scope["path"] == "/" else 4 << 20)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def others_are_answered(writer, times: int = 20) -> None:
    """Have the server answer another client, so that it also got to what was sent before."""
    reader, other = await asyncio.open_connection(*writer.get_extra_info("peername"))
    for _ in range(times):
        other.write(GET % b"/")
        await answer(reader)
    other.write_eof()
    assert await reader.read() == b""
    other.close()


def test_a_client_that_does_not_read_its_answers_gets_no_more() -> None:
    async def counting(scope, receive, send) -> None:
        answered.append(scope["path"])
        await large(scope, receive, send)

    async def talk() -> None:
        async with serving(counting) as (_, reader, writer):
            reader._transport.pause_reading()
            writer.write(GET % b"/large" * 50)
            await others_are_answered(writer)
            assert 0 < answered.count("/large") < 10
            reader._transport.resume_reading()
            for _ in range(50):
                await answer(reader)

    answered: list[str] = []
    run(talk())
    assert answered.count("/large") == 50


def test_a_client_that_does_not_read_is_given_up() -> None:
    async def talk() -> None:
        async with serving(large) as (connections, reader, writer):
            reader._transport.pause_reading()
            writer.write(GET % b"/large" * 50)
            await others_are_answered(writer)
            now = asyncio.get_running_loop().time()
            (connection,) = connections
            connection.sweep(now + 20)
            await others_are_answered(writer)
            assert not connection.closed.done()
            connection.sweep(now + 40)  # it owes a request, or rather that it reads
            connection.sweep(now + 1)
            await others_are_answered(writer)
            assert not connection.closed.done()
            connection.sweep(now + 50)
            await connection.closed

    run(talk())


def test_requests_are_not_read_far_ahead() -> None:
    async def gated(scope, _receive, send) -> None:
        if scope["path"] != "/":
            await gate.wait()
        await large(scope | {"path": "/"}, _receive, send)

    async def talk() -> None:
        nonlocal gate
        gate = asyncio.Event()
        async with serving(gated) as (_, reader, writer):
            writer.write(GET % b"/gated" * 10_000)
            await others_are_answered(writer)
            assert sum(isinstance(each, Exchange) for each in gc.get_objects()) < 1000
            gate.set()
            for _ in range(10_000):
                await answer(reader)

    gate: asyncio.Event
    run(talk())


def test_who_leaves_is_lost_to_the_endpoint_and_forgotten() -> None:
    async def waiting(_scope, receive, _send) -> None:
        began.set()
        heard.set_result((await receive())["type"])

    async def talk() -> None:
        nonlocal heard, began
        heard, began = asyncio.get_running_loop().create_future(), asyncio.Event()
        async with serving(waiting) as (connections, _, writer):
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n")
            await began.wait()
            (connection,) = connections
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
            writer.transport.abort()
            assert await heard == "http.disconnect"
            await connection.closed
            assert not connections

    heard: asyncio.Future[str]
    began: asyncio.Event
    run(talk())


def test_leaving_closes_what_is_idle_and_lets_the_rest_finish() -> None:
    async def talk() -> None:
        async with serving() as (connections, reader, writer):
            writer.write(GET % b"/" + POST + b"content-length: 2\r\n\r\nh")
            await answer(reader)
            (connection,) = connections
            connection.leave()
            writer.write(b"i")
            head, body = await answer(reader)
            assert CLOSING in head
            assert body == b"POST /  hi"
            assert await reader.read() == b""
        async with serving() as (connections, reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await answer(reader)
            for idle in list(connections):
                idle.leave()
            assert await reader.read() == b""

    run(talk())


def test_what_is_unread_of_a_large_body_closes_the_connection_and_says_so() -> None:
    ((head, _), rest) = exchange(POST + b"content-length: 300000\r\n\r\n", 1, deaf)
    assert CLOSING in head
    assert rest == (b"", b"")
