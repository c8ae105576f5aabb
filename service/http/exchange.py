"""A request and its answer, as an ASGI application sees them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from starlette.types import Message, Scope

from service.reply import Answer, Headers

__all__ = ["Exchange", "Peer"]

LENGTH = b"content-length"
INVITED = b"100-continue"
HELD_BYTES = 256 << 10  # of a body that nobody takes; the peer waits beyond


class Peer(Protocol):
    """Who asked."""

    def answer(self, exchange: "Exchange", status: int, headers: Headers, body: bytes) -> None:
        """Send the answer to the request whose turn it is."""
        ...

    def invite(self) -> None:
        """Send 100 Continue."""
        ...

    def hold(self, held: bool) -> None:
        """Have it wait before it sends more, or go on."""
        ...

    def linger(self) -> None:
        """Close the connection once it has read its answers."""
        ...


class Exchange:
    """One request and its answer.

    The answer goes out whole and with its length, once its last part is there.

    Attributes
    ----------
    persistent : bool
        The client would send another request on its connection.
    whole : bool
        All of the request has arrived.
    answered : bool
        The answer was given to the connection.
    work : coroutine or None
        What answers it without ASGI, of a request that came whole.
    """

    __slots__ = (
        "_answer",
        "_begun",
        "_gone",
        "_head",
        "_held",
        "_news",
        "_parts",
        "_peer",
        "_waiter",
        "answered",
        "persistent",
        "scope",
        "whole",
        "work",
    )

    def __init__(self, peer: Peer, scope: Scope, persistent: bool) -> None:
        self.scope = scope
        self.persistent = persistent
        self.whole = self.answered = False
        self.work: Coroutine[Any, Any, Answer] | None = None
        self._peer = peer
        self._parts: list[bytes] = []
        self._held = 0
        self._news = self._gone = self._begun = False
        self._waiter: asyncio.Future[None] | None = None
        self._head: tuple[int, Headers]
        self._answer: list[bytes] = []

    def arrive(self, part: bytes) -> None:
        """Take in a part of the body; a little of what an answer left unread is thrown away."""
        self._held += len(part)
        if not self.answered:
            self._parts.append(part)
            self._wake()
            if self._held > HELD_BYTES:
                self._peer.hold(True)
        elif self._held > HELD_BYTES:
            self._peer.linger()

    def complete(self) -> None:
        """Take in that the body is over."""
        self.whole = True
        self._wake()

    def lose(self) -> None:
        """Take in that the rest of the request won't come."""
        self._gone = True
        self._wake()

    def overlong(self) -> bool:
        """Return whether more of an unfinished body may come than is worth throwing away."""
        (length,) = [value for name, value in self.scope["headers"] if name == LENGTH] or (b"",)
        return not length.isdigit() or int(length) > HELD_BYTES

    def settle(self, answer: Answer) -> None:
        """Give the answer to the connection."""
        self._peer.answer(self, *answer)
        self.answered = True
        self._parts.clear()
        if self._held > HELD_BYTES:
            self._peer.hold(False)
        self._wake()

    async def receive(self) -> Message:
        """See ASGI."""
        if not (self._news or self._gone or self.answered):
            await self._wait()
        if self._gone or self.answered:
            return {"type": "http.disconnect"}
        self._news = False
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        if self._held > HELD_BYTES:
            self._peer.hold(False)
        self._held = 0
        return {"type": "http.request", "body": body, "more_body": not self.whole}

    async def send(self, message: Message) -> None:
        """See ASGI."""
        if self.answered:
            raise RuntimeError("a request is answered once")
        if message["type"] == "http.response.start":
            self._head = message["status"], list(message.get("headers", ()))
            return
        self._answer.append(message.get("body", b""))
        if not message.get("more_body"):
            parts = self._answer
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            self.settle((*self._head, body))

    async def _wait(self) -> None:
        if not self._begun and self.scope["http_version"] == "1.1" and self._expects():
            self._begun = True
            self._peer.invite()
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _expects(self) -> bool:
        headers = self.scope["headers"]
        return any(name == b"expect" and value.lower() == INVITED for name, value in headers)

    def _wake(self) -> None:
        self._news = self._begun = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
