"""Reading a request's body under a limit and a deadline."""

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

from service.errors import BodyTooLarge, DeadlineExceeded

__all__ = ["Disconnected", "read_body"]


class Disconnected(Exception):  # noqa: N818
    """The client went away before its request was complete; there is nobody to answer."""


async def read_body(
    receive: Receive, headers: Mapping[bytes, bytes], limit: int, deadline: float
) -> bytes:
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
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLarge(limit)
    try:
        async with asyncio.timeout_at(deadline):
            return await _collect(receive, limit)
    except TimeoutError:
        raise DeadlineExceeded("the request's body did not arrive in time") from None


async def _collect(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(limit)
        if not chunks and not message.get("more_body"):
            return bytes(chunk)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
