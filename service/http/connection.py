"""One connection of a client: its requests are answered one after the other."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Coroutine
from enum import Enum
from typing import Any, Protocol, cast

import httptools
from starlette.types import Receive, Scope, Send

import plainhttp
from service.admission import ADMITTED
from service.entrance import FIELDS, Entrance
from service.errors import Internal, NotHttp, Problem
from service.http.exchange import Exchange
from service.http.head import FirstLines, check_head, request_scope
from service.http.resumed import resumed
from service.http.turns import Turns
from service.reply import CLOSE, PROBLEM_JSON, Answer, Headers

__all__ = ["Application", "Connection"]

HEAD_BYTES = 64 << 10
PIECE_BYTES = 16 << 10  # are parsed at once: they may hold hundreds of requests
GATHERED_BYTES = 64 << 10  # of a body are joined here, where it comes in pieces
WAITING = 16  # requests that are read ahead of the one being answered
IDLE_S = 30.0  # a client may take so long until it asks, or asks again
CLOSE_S = 3.0  # ... and so long to read its last answer and close
NEVER = float("inf")
FIRST_LINES = FirstLines()
NOTHING = memoryview(b"")
BLANK = b" \t"  # may follow a value and is no part of it (RFC 9110, 5.5); llhttp leaves it there
PLAIN: Scope = {"http_version": "1.1", "method": "POST"}

log = logging.getLogger("bandit_serve.http")


class State(Enum):
    """What becomes of what the client sends."""

    OPEN = "it is read"
    LAST = "the rest of a request that was taken is read, nothing beyond"
    CLOSING = "all answers were given; it is thrown away"


OPEN, LAST, CLOSING = State  # to look one up in its class takes 850 instructions


class Application(Protocol):
    """An ASGI application that its server may ask and tell more than that."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        ...

    def admit(self, scope: Scope) -> Answer | None:
        """Say that a request's turn has come: the application answers now, or will be called."""
        ...

    def refused(self, problem: Problem) -> None:
        """Tell of a problem that it doesn't know of."""
        ...

    def entrance(self, target: bytes) -> Entrance | None:
        """Return what answers POST requests with this target without ASGI, if anything does."""
        ...


class Connection:
    """Reads requests, unusual ones by httptools (llhttp of Node.js), and has them answered.

    An asyncio.Protocol in all but its bases, which a compiled class can't have.

    The bytes of a request are parsed, answered and sent in one thread: to hand it over to another
    and back costs more than the rest of it.

    Attributes
    ----------
    closed : asyncio.Future
        Done when the connection is.
    """

    def __init__(self, app: Application, connections: "set[Connection]", turns: Turns) -> None:
        self._app = app
        self._connections = connections
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self.closed = self._loop.create_future()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._addresses: Scope
        self._state = OPEN
        self._awaited_since = NEVER  # the client: its next request, or that it closes
        self._unread = NOTHING
        self._part = b""
        self._target = b""
        self._headers: Headers = []
        self._head_bytes = 0
        self._arriving: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._full = self._held = self._fresh = False
        self._between = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._addresses = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "scheme": "http",
            "root_path": "",
            "client": (transport.get_extra_info("peername") or (None,))[:2],
            "server": (transport.get_extra_info("sockname") or (None,))[:2],
        }
        self._awaited_since = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._connections.discard(self)
        self.closed.set_result(None)
        self._begin_closing()
        if self._current is not None:
            self._current.lose()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._part:
            data, self._part = self._part + data, b""
        if not (self._between and self._is_idle() and self._take_in(data)):
            self._parse(data)

    def hurry(self) -> None:
        """Parse what is there of a request: the rest of it is late."""
        part, self._part = self._part, b""
        if part:
            self._parse(part)

    def _parse(self, data: bytes) -> None:
        self._fresh = True
        taken = self._read(data) if len(data) <= PIECE_BYTES else 0
        if taken < len(data):
            self._unread = memoryview(data)[taken:]
            self._read_on()

    def eof_received(self) -> bool:
        """See asyncio.Protocol: a client that asked and sends no more may still read."""
        self.hurry()
        latest = self._latest()
        if latest is not None:
            self._end_after(latest)
        return latest is not None

    def on_message_begin(self) -> None:
        """See httptools."""
        self._between = False
        self._target = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools; what comes after a body is dropped."""
        if self._arriving is None:
            self._headers.append((name.lower(), value.rstrip(BLANK)))

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._head_bytes = 0
        parser = self._parser
        method, version = parser.get_method(), parser.get_http_version()
        check_head(method, version, self._headers)
        if parser.should_upgrade() or self._state is not OPEN:
            return
        scope = request_scope(method, self._target, version, self._headers, self._addresses)
        exchange = self._arriving = Exchange(self, scope, parser.should_keep_alive())
        self._waiting.append(exchange)
        if self._current is None and len(self._waiting) == 1:
            self._first_come()
        elif len(self._waiting) >= WAITING:
            self._regulate()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        if self._arriving is not None:
            self._arriving.arrive(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        self._between = True
        if self._arriving is not None:
            self._arriving.complete()
            self._arriving = None

    def pause_writing(self) -> None:
        """See asyncio.Protocol: a client that doesn't read its answers gets no more of them."""
        self._full = True
        self._regulate()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._full = False
        self._go_on()
        self._regulate()

    def answer(self, exchange: Exchange, status: int, headers: Headers, body: bytes) -> None:
        """See Peer."""
        if self._state is CLOSING:
            return
        if exchange is not self._current:
            raise RuntimeError("an answer to a request whose turn it isn't")
        last = not exchange.persistent or CLOSE in headers
        last = last or (not exchange.whole and exchange.overlong())
        if last and CLOSE not in headers:
            headers = [*headers, CLOSE]
        elif exchange.scope["http_version"] == "1.0":
            headers = [*headers, (b"connection", b"keep-alive")]
        alone = exchange.scope["method"] == "HEAD"
        self._transport.write(plainhttp.answer(FIRST_LINES.of(status), headers, body, alone))
        self._current = self._task = None
        if last:
            self.linger()
        else:
            self._awaited_since = self._loop.time()
            if self._waiting:
                self._loop.call_soon(self._go_on)  # and this request gives back its place before

    def invite(self) -> None:
        """See Peer."""
        if self._state is not CLOSING:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def hold(self, held: bool) -> None:
        """See Peer."""
        self._held = held
        self._regulate()

    def linger(self) -> None:
        """See Peer: to close at once would reset it, and might destroy an answer not yet read."""
        self._begin_closing()
        if self._transport.is_closing():
            return
        self._transport.write_eof()
        if not self._transport.is_reading():
            self._transport.resume_reading()

    def leave(self) -> None:
        """Close the connection, or say with the answer under way that it is the last."""
        self.hurry()
        if self._current is not None:
            self._waiting.clear()
            self._current.persistent = False
            self._state = LAST
            self._arriving = None if self._current.whole else self._current
        elif self._state is not CLOSING:
            self._begin_closing()
            self._transport.close()

    def sweep(self, now: float) -> None:
        """Close what was waited for long enough, at a time of the event loop."""
        waited = now - self._awaited_since
        if self._state is CLOSING and waited > CLOSE_S:
            self.abort()
        elif waited > IDLE_S:
            self.leave()

    def abort(self) -> None:
        """Close at once, whatever was not sent."""
        self._transport.abort()

    def _begin_closing(self) -> None:
        self._state = CLOSING
        self._awaited_since = self._loop.time()
        self._arriving = None
        self._unread = NOTHING
        self._waiting.clear()

    def _is_idle(self) -> bool:
        """Whether nothing that was sent before is left to be read or answered."""
        busy = self._current is not None or self._waiting or self._unread or self._full
        return self._state is OPEN and not busy

    def _take_in(self, data: bytes) -> bool:
        """Answer a request of the usual kind without parser, ASGI and task, once it is whole.

        Returns whether it is such a one; its body comes in one piece, or soon after.
        """
        request = plainhttp.read_request(data, FIELDS)
        if request is None:
            return False
        target, headers, body, lacking = request
        entrance = self._app.entrance(target)
        length = len(body) + lacking
        if entrance is None or length > entrance.most_bytes:
            return False
        if lacking:
            return length <= GATHERED_BYTES and self._gather(data)
        self._awaited_since = NEVER
        exchange = self._current = Exchange(self, PLAIN, True)
        exchange.whole = True
        refusal = entrance.admit(headers)
        if refusal is not None:
            exchange.settle(refusal)
        else:
            exchange.work = entrance.respond(headers, body)
            self._turns.begin(self._begin)
        return True

    def _gather(self, part: bytes) -> bool:
        """Keep a part of a request until the rest comes, or is late."""
        self._part = part
        self._turns.hurry(self.hurry)
        return True

    def _latest(self) -> Exchange | None:
        return self._waiting[-1] if self._waiting else self._current

    def _regulate(self) -> None:
        """Have the client wait while there is no room for what it sends."""
        room = not (self._full or self._held or self._unread or len(self._waiting) >= WAITING)
        if self._state is CLOSING or self._transport.is_closing():
            return
        if room == self._transport.is_reading():
            return
        if room:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _read_on(self) -> None:
        while self._unread and len(self._waiting) < WAITING:
            taken = self._read(self._unread[:PIECE_BYTES])
            self._unread = self._unread[taken:]

    def _read(self, piece: bytes | memoryview) -> int:
        """Return how many bytes were taken."""
        if self._arriving is None:
            if self._state is not OPEN:
                return len(piece)
            self._head_bytes += len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline()
            return int(upgrade.args[0])
        except httptools.HttpParserError:
            self._fail()
        if self._head_bytes > HEAD_BYTES:
            self._fail()
        return len(piece)

    def _first_come(self) -> None:
        """Go on at once, but once for each read: it may hold thousands of requests."""
        if self._fresh:
            self._fresh = False
            self._go_on()
        else:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._waiting and self._current is None and not self._full:
            crowded = len(self._waiting) >= WAITING
            self._awaited_since = NEVER
            exchange = self._current = self._waiting.popleft()
            answer = self._app.admit(exchange.scope)
            if answer is not None:
                exchange.settle(answer)
            elif ADMITTED in exchange.scope:
                self._turns.begin(self._begin)
            else:  # what has no limit, as probes, doesn't wait for what has
                self._begin()
            if crowded:
                self._read_on()
                self._regulate()

    def _begin(self) -> None:
        exchange = self._current
        if exchange is None:
            return
        if exchange.work is None:
            asked = self._app(exchange.scope, exchange.receive, exchange.send)
            self._task = self._loop.create_task(self._run(exchange, asked))
        else:
            self._do_at_once(exchange, exchange.work)

    def _do_at_once(self, exchange: Exchange, work: Coroutine[Any, Any, Answer]) -> None:
        """Answer, unless the answer has to wait for something: that takes a task."""
        try:
            done, value = plainhttp.begin(work)
            if done:
                exchange.settle(value)
            else:
                waiting = self._wait(exchange, resumed(work, value))
                self._task = self._loop.create_task(self._run(exchange, waiting))
        except Exception:
            log.exception("an application failed")
            self._make_up(exchange)

    async def _wait(self, exchange: Exchange, work: Awaitable[Answer]) -> None:
        exchange.settle(await work)

    async def _run(self, exchange: Exchange, asked: Awaitable[None]) -> None:
        try:
            await asked
        except Exception:
            log.exception("an application failed")
        self._make_up(exchange)

    def _make_up(self, exchange: Exchange) -> None:
        """Give the answer that an application owes."""
        if not exchange.answered:
            problem = Internal()
            self._app.refused(problem)
            exchange.settle((problem.status, [PROBLEM_JSON, CLOSE], problem.body(None)))

    def _decline(self) -> None:
        """Read a request as if it hadn't offered another protocol, as HTTP/2's clients do."""
        parser = self._parser
        version = parser.get_http_version().encode()
        line = b"%b %b HTTP/%b" % (parser.get_method(), self._target, version)
        headers = [b"%b: %b" % header for header in self._headers if header[0] != b"upgrade"]
        self._parser = httptools.HttpRequestParser(self)
        self._read(b"\r\n".join((line, *headers, b"", b"")))

    def _fail(self) -> None:
        """End what can't be read; a request whose body breaks off is told so by its endpoint."""
        latest = self._latest()
        if latest is not None:
            self._end_after(latest)
        elif self._state is OPEN:
            if self._arriving is None:
                problem = NotHttp()
                self._app.refused(problem)
                begin = FIRST_LINES.of(problem.status)
                answer = plainhttp.answer(begin, [PROBLEM_JSON, CLOSE], problem.body(None))
                self._transport.write(answer)
            self.linger()

    def _end_after(self, latest: Exchange) -> None:
        latest.persistent = False
        self._state = LAST
        if self._arriving is not None:
            self._arriving.lose()
            self._arriving = None
