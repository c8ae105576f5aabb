"""The heads of requests and answers, between bytes and ASGI."""

from email.utils import formatdate
from http import HTTPStatus
from time import time
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from service.reply import Headers

__all__ = ["FirstLines", "check_head", "request_scope"]

VERSIONS = ("1.1", "1.0")
STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


def check_head(method: bytes, version: str, headers: Headers) -> None:
    """Refuse what only looks like a request of HTTP/1.1 or 1.0 (RFC 9112, 3.2 and 6.1).

    Raises
    ------
    ValueError
        It asks for a tunnel, is for another version or for no one host, or its end is doubtful.
    """
    fields = dict(headers)
    if b"host" not in fields:
        if version == "1.1":
            raise ValueError("no host is named")
    elif len(fields) < len(headers) and [name for name, _ in headers].count(b"host") > 1:
        raise ValueError("more than one host is named")
    if b"transfer-encoding" in fields:
        codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
        if version == "1.0" or codings != [b"chunked"]:
            raise ValueError("a transfer coding that isn't chunked")
    if version not in VERSIONS or method == b"CONNECT":
        raise ValueError("another version, or a tunnel")


def request_scope(
    method: bytes, target: bytes, version: str, headers: Headers, addresses: Scope
) -> Scope:
    """Return the ASGI scope of a request; the target is a path, or a whole URL as proxies send."""
    if not target.startswith(b"/"):
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    raw_path, _, query = target.partition(b"?")
    path = unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path
    return {
        **addresses,
        "http_version": version,
        "method": method.decode(),
        "path": path.decode(errors="replace"),
        "raw_path": raw_path,
        "query_string": query,
        "headers": headers,
    }


class FirstLines:
    """What the heads of answers begin with: their status and the date."""

    def __init__(self) -> None:
        self._second = 0
        self._lines: dict[int, bytes] = {}

    def of(self, status: int) -> bytes:
        """Return the lines for a status, as of now."""
        second = int(time())
        if second != self._second:
            self._second = second
            self._lines.clear()
        lines = self._lines.get(status)
        if lines is None:
            date = formatdate(second, usegmt=True).encode()
            lines = self._lines[status] = b"%bdate: %b\r\n" % (STATUS_LINES[status], date)
        return lines
