"""One HTTP/1.1 connection with at most one request in flight."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import NamedTuple, cast

__all__ = ["NOT_SENT", "Connection", "Exchange"]

NOT_SENT = "not sent"
END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
STATUS = slice(9, 12)
OK = b"200"


class Exchange(NamedTuple):
    """A request and its answer: times of time.perf_counter(), what went wrong ("": nothing)."""

    due: float
    sent: float
    ended: float
    error: str
    head: bytes = b""
    body: bytes = b""


class Connection(asyncio.Protocol):
    """Sends a request, and says when its answer is there.

    Parameters
    ----------
    done
        Called with the connection and the exchange.
    lost
        Called once the connection is closed, after `done` where a request was in flight.
    """

    def __init__(
        self,
        done: Callable[["Connection", Exchange], None],
        lost: Callable[["Connection"], None],
    ) -> None:
        self._done = done
        self._lost = lost
        self._transport: asyncio.WriteTransport
        self._received = b""
        self._length = 0  # of head and body; 0: not known yet
        self._head = 0
        self._due = 0.0
        self.sent = 0.0  # 0: nothing in flight

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at a time."""
        self._due, self.sent = due, time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer."""
        self._received = self._received + data if self._received else data
        if not self._length:
            self._measure()
        if self._length and len(self._received) >= self._length:
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        """Note that the server closed the connection, or that it broke."""
        self.fail(type(error or EOFError()).__name__)
        self._lost(self)

    def fail(self, error: str) -> None:
        """Give up the request that is in flight, if any, and the connection with it."""
        if self.sent:
            exchange = Exchange(self._due, self.sent, time.perf_counter(), error)
            self.sent = 0.0
            self._transport.abort()
            self._done(self, exchange)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it can't be sent on any more."""
        return self._transport.is_closing()

    def _measure(self) -> None:
        self._head = self._received.find(END_OF_HEAD) + len(END_OF_HEAD)
        if self._head < len(END_OF_HEAD):
            return
        length = LENGTH.search(self._received, 0, self._head)
        if length is None:
            self.fail("no content-length")
        else:
            self._length = self._head + int(length[1])

    def _finish(self) -> None:
        now = time.perf_counter()
        head, body = self._received[: self._head], self._received[self._head : self._length]
        error = "" if head[STATUS] == OK else head[STATUS].decode("ascii", "replace")
        exchange = Exchange(self._due, self.sent, now, error, head, body)
        self._received, self._length, self.sent = b"", 0, 0.0
        if CLOSE.search(head):
            self.close()
        self._done(self, exchange)
