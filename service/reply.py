"""Answers of the raw ASGI endpoints."""

from starlette.types import Send

__all__ = ["CLOSE", "JSON", "PROBLEM_JSON", "Answer", "Headers", "reply"]

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]  # its status, headers and body

JSON = (b"content-type", b"application/json")
PROBLEM_JSON = (b"content-type", b"application/problem+json")
CLOSE = (b"connection", b"close")


async def reply(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer."""
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
