"""Reading a request's body under a limit and a deadline."""

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

from service.errors import BodyTooLarge, DeadlineExceeded

__all__ = ["Body", "Disconnected"]

DISCARD_BYTES = 256 << 10
DISCARD_S = 0.05


class Disconnected(Exception):  # noqa: N818
    """The client went away before its request was complete; there is nobody to answer."""


class Body:
    """The body of one request."""

    def __init__(self, receive: Receive, headers: Mapping[bytes, bytes]) -> None:
        self._receive = receive
        length = headers.get(b"content-length", b"0")
        self._announced = int(length) if length.isdigit() else 0
        self.complete = False

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
        BodyTooLarge, DeadlineExceeded, Disconnected
        """
        if self._announced > limit:
            raise BodyTooLarge(limit)
        try:
            async with asyncio.timeout_at(deadline):
                return await self._collect(limit)
        except TimeoutError:
            raise DeadlineExceeded("the request's body did not arrive in time") from None

    async def discard(self) -> bool:
        """Take in what is left of a refused request's body, if it is small and there.

        Returns whether it was, and the connection can therefore carry another request.
        """
        if not self.complete:
            try:
                await self.read(DISCARD_BYTES, asyncio.get_running_loop().time() + DISCARD_S)
            except (BodyTooLarge, DeadlineExceeded):
                return False
        return True

    async def _collect(self, limit: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while not self.complete:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > limit:
                raise BodyTooLarge(limit)
            self.complete = not message.get("more_body")
        return b"".join(chunks)
