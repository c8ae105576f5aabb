"""One connection of a client: its requests are answered one after the other."""

import asyncio
import logging
from collections import deque
from typing import cast

import httptools
from starlette.types import ASGIApp, Scope

from service.errors import Internal, MalformedBody
from service.http.exchange import Exchange
from service.http.head import answer_head, request_scope
from service.reply import CLOSE, PROBLEM_JSON, Headers

__all__ = ["Connection"]

HEAD_BYTES = 64 << 10
LINGER_S = 1.0
OFFER = (b"connection", b"upgrade")
NEVER = float("inf")

log = logging.getLogger("bandit_serve.http")


class Connection(asyncio.Protocol):
    """Reads requests by httptools (llhttp, the parser of Node.js) and has them answered.

    The bytes of a request are parsed, answered and sent in one thread: to hand it over to another
    and back costs more than the rest of it.

    Attributes
    ----------
    idle_since : float
        Since which time of the event loop the client owes a request; infinite where it owes none.
    closed : asyncio.Future
        Done when the connection is.
    """

    def __init__(self, app: ASGIApp, connections: "set[Connection]") -> None:
        self.idle_since = NEVER
        self._app = app
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self.closed = self._loop.create_future()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._addresses: Scope
        self._target = b""
        self._headers: Headers = []
        self._head_bytes = 0
        self._in_head = False
        self._arriving: Exchange | None = None
        self._current: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._task: asyncio.Task[None] | None = None
        self._leaving = self._closing = self._full = False

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
        self.idle_since = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._connections.discard(self)
        self.closed.set_result(None)
        self._waiting.clear()
        self._closing = True
        if self._current is not None:
            self._current.lose()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._closing:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._fail()
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._fail()

    def on_message_begin(self) -> None:
        """See httptools."""
        self._in_head = True
        self._target = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._head_bytes = 0
        self._in_head = False
        parser = self._parser
        if parser.should_upgrade():
            return
        version = parser.get_http_version()
        scope = request_scope(
            parser.get_method(), self._target, version, self._headers, self._addresses
        )
        exchange = self._arriving = Exchange(self, scope, parser.should_keep_alive())
        self._headers = []  # of their own, should trailers follow
        self._waiting.append(exchange)
        self._go_on()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        if self._arriving is not None:
            self._arriving.arrive(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._arriving is not None:
            self._arriving.complete()
            self._arriving = None

    def pause_writing(self) -> None:
        """See asyncio.Protocol: a client that doesn't read its answers gets no more of them."""
        self._full = True
        self.hold(True)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._full = False
        self.hold(False)
        self._go_on()

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """See Peer."""
        exchange = self._current
        if exchange is None or self._closing:
            return
        last = self._leaving or not exchange.persistent or CLOSE in headers
        if last and CLOSE not in headers:
            headers = [*headers, CLOSE]
        elif exchange.scope["http_version"] == "1.0":
            headers = [*headers, (b"connection", b"keep-alive")]
        head = answer_head(status, headers, len(body))
        self._transport.writelines([head] if exchange.scope["method"] == "HEAD" else [head, body])
        self._current = self._task = None
        if last:
            self._end(exchange.whole)
        else:
            self.idle_since = self._loop.time()
            self._go_on()

    def invite(self) -> None:
        """See Peer."""
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def hold(self, held: bool) -> None:
        """See Peer."""
        if self._closing:
            return
        if held and self._transport.is_reading():
            self._transport.pause_reading()
        elif not held and not self._full and not self._transport.is_reading():
            self._transport.resume_reading()

    def leave(self) -> None:
        """Close the connection, or say with the answer under way that it is the last."""
        self._leaving = True
        if self._current is None:
            self.hang_up()

    def hang_up(self) -> None:
        """See Peer."""
        self._closing = True
        self._transport.close()

    def _go_on(self) -> None:
        if self._waiting and self._current is None and not self._full:
            self.idle_since = NEVER
            self._current = self._waiting.popleft()
            self._task = self._loop.create_task(self._run(self._current))

    async def _run(self, exchange: Exchange) -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except Exception:
            if exchange.answered:
                return
            log.exception("an application failed")
        if not exchange.answered:
            problem = Internal()
            self.answer(problem.status, [PROBLEM_JSON, CLOSE], problem.body(None))

    def _decline(self, rest: bytes) -> None:
        """Read a request as if it hadn't offered another protocol, as HTTP/2's clients do."""
        parser, method = self._parser, self._parser.get_method()
        if method == b"CONNECT":
            self._fail()
            return
        line = b"%b %b HTTP/%b" % (method, self._target, parser.get_http_version().encode())
        headers = [b"%b: %b" % header for header in self._headers if header[0] not in OFFER]
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join((line, *headers, b"", rest)))

    def _fail(self) -> None:
        """End what can't be read; a request whose body breaks off is told so by its endpoint."""
        latest = self._waiting[-1] if self._waiting else self._current
        if latest is not None:
            latest.persistent = False
            self._transport.pause_reading()
            if self._arriving is latest:
                latest.lose()
        else:
            if self._arriving is None:
                self._transport.write(answer_head(MalformedBody.status, [CLOSE], 0))
            self._end(whole=False)

    def _end(self, whole: bool) -> None:
        """Close; a client that still sends reads its answer first, which a reset would destroy."""
        if whole:
            self.hang_up()
        else:
            self._closing = True
            self._transport.write_eof()
            self._transport.resume_reading()
            self._loop.call_later(LINGER_S, self._transport.close)
