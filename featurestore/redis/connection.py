"""One connection to a server: requests out, answers in the same order."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import cast

from hiredis import ProtocolError

from featurestore.errors import StoreUnavailable
from featurestore.redis.protocol import Pending
from featurestore.redis.replies import Replies

__all__ = ["Connection"]

# Bytes that wait for a server to take them before more are refused; about a thousand requests of
# 100 ids.
MOST_UNSENT = 4 << 20


class Connection(asyncio.Protocol):
    """An open connection, lost for good at the first thing that is wrong with it.

    Parameters
    ----------
    name : str
        The server's, for what an error says.
    stall_s : float
        Seconds of silence, while an answer is owed, after which the connection is given up.
    on_lost : callable
        Called once, when the connection is no more.
    """

    def __init__(self, name: str, stall_s: float, on_lost: Callable[["Connection"], None]) -> None:
        self._name = name
        self._stall_s = stall_s
        self._on_lost = on_lost
        self._pending: deque[Pending] = deque()
        self._replies = Replies(self._pending)
        self._heard = 0.0
        self._suspect = False
        self._full = False
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._watch: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._why: StoreUnavailable | None = None

    @property
    def owed(self) -> int:
        """How many answers the server owes."""
        return len(self._pending)

    @property
    def failure(self) -> StoreUnavailable | None:
        """Why the connection has ended; None while it has not."""
        return self._why

    def send(self, request: bytes, pending: Pending) -> None:
        """Send a request; its answer, or why there is none, goes to `pending`."""
        if self._transport is None or self._full or self._unsent_bytes > MOST_UNSENT:
            pending.settle(self._why or StoreUnavailable(f"{self._name} takes no more requests"))
            return
        if not self._pending:
            self._heard = time.monotonic()
            if self._watch is None:
                self._watch = self._loop.call_later(self._stall_s, self._look)
        self._pending.append(pending)
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(request)
        self._unsent_bytes += len(request)

    def abort(self, reason: str) -> None:
        """Give the connection up; whoever waits is told the reason."""
        self._end(StoreUnavailable(f"{self._name}: {reason}"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MOST_UNSENT)

    def data_received(self, data: bytes) -> None:
        """Hand answers to those that wait for them."""
        self._heard = time.monotonic()
        try:
            self._replies.feed(data)
        except ProtocolError as error:
            self.abort(f"what came is not the Redis protocol: {error}")
        except (TypeError, ValueError) as error:
            self.abort(f"what came does not answer the request: {error}")

    def pause_writing(self) -> None:
        """Refuse requests."""
        self._full = True

    def resume_writing(self) -> None:
        """Take requests again."""
        self._full = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits."""
        self.abort(f"connection lost: {exc or 'closed by the server'}")

    def _flush(self) -> None:
        """Write what this turn of the loop sent by one system call, which costs some 14 us."""
        unsent, self._unsent, self._unsent_bytes = self._unsent, [], 0
        if self._transport is not None:
            self._transport.writelines(unsent)

    def _look(self) -> None:
        """Give a silent connection up, at the second look.

        A process that was itself paused finds the silence before it finds what arrived meanwhile.
        """
        silent = time.monotonic() - self._heard
        self._watch = None
        if not self._pending or self._transport is None:
            return
        if silent >= self._stall_s and self._suspect:
            self.abort(f"no answer for {silent:.1f} s")
            return
        self._suspect = silent >= self._stall_s
        pause = self._stall_s / 10 if self._suspect else self._stall_s - silent
        self._watch = self._loop.call_later(pause, self._look)

    def _end(self, why: StoreUnavailable) -> None:
        if self._why is not None:
            return
        self._why = why
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        if self._watch is not None:
            self._watch.cancel()
        while self._pending:
            self._pending.popleft().settle(why)
        self._on_lost(self)
