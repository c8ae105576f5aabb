"""Reading a request's body under a limit and a deadline."""

import asyncio
from collections.abc import Mapping

from starlette.types import Message, Receive

from service.errors import BodyTooLarge, BrokenBody, DeadlineExceeded, Problem
from service.watch import Watch

__all__ = ["Body"]

DISCARD_BYTES = 256 << 10
DISCARD_S = 0.05
UNKNOWN = -1
ENDLESS = 1 << 62  # bytes; a client may announce more than fits into 64 bits
WATCH = Watch()


class Body:
    """The body of one request.

    A body of known length is over when so many bytes are there: some servers say so by one more,
    empty message only, which costs as much as the one before it.
    """

    def __init__(self, receive: Receive, headers: Mapping[bytes, bytes]) -> None:
        self._receive = receive
        self._announced = _announced(headers)
        self._received = 0
        self._complete = False
        self._given_up = False

    async def read(self, limit: int, deadline: float) -> bytes:
        """Return the body.

        Parameters
        ----------
        limit : int
            Bytes. A larger body is refused from its Content-Length, or as soon as it exceeds.
        deadline : float
            The event loop's time by which the body must be complete.

        Raises
        ------
        BodyTooLarge, BrokenBody, DeadlineExceeded
        """
        try:
            if self._announced > limit:
                raise BodyTooLarge(limit)
            return await WATCH.until(deadline, self._collect(limit))
        except TimeoutError:
            self._given_up = True
            raise DeadlineExceeded("the request's body did not arrive in time") from None
        except Problem:
            self._given_up = True
            raise

    async def discard(self) -> bool:
        """Take in what is left of a refused request's body, if it is small and there.

        Returns whether it was, and the connection can therefore carry another request.
        """
        deadline = asyncio.get_running_loop().time() + DISCARD_S
        try:
            if not (self._complete or self._given_up or self._announced > DISCARD_BYTES):
                await WATCH.until(deadline, self._drop())
        except (TimeoutError, BrokenBody):
            return False
        return self._complete

    async def _drop(self) -> None:
        while not self._complete and self._received <= DISCARD_BYTES:
            self._take(await self._receive())

    async def _collect(self, limit: int) -> bytes:
        chunks: list[bytes] = []
        while not self._complete:
            chunks.append(self._take(await self._receive()))
            if self._received > limit:
                raise BodyTooLarge(limit)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _take(self, message: Message) -> bytes:
        if message["type"] == "http.disconnect":
            raise BrokenBody
        chunk: bytes = message.get("body", b"")
        self._received += len(chunk)
        self._complete = self._received == self._announced or not message.get("more_body")
        return chunk


def _announced(headers: Mapping[bytes, bytes]) -> int:
    """Return the length of the body in bytes, or UNKNOWN."""
    length = headers.get(b"content-length", b"")
    known = length.isdigit() and b"transfer-encoding" not in headers
    return min(int(length), ENDLESS) if known else UNKNOWN
