"""HTTP to one feature server: a bounded pool of connections, answers of bounded size."""

import asyncio
import ssl
from pathlib import Path

import httpx

from featurestore.errors import StoreCorrupt, StoreUnavailable
from featurestore.feast.failures import translated
from featurestore.feast.settings import FeastSettings

__all__ = ["Client"]

# An idle connection that died unnoticed costs the fetch that takes it, so none is kept for long.
KEEP_ALIVE_S = 2.0


class Client:
    """Connects on first use, in the event loop of that call; follows no redirect.

    It is httpx's transport without its client, whose redirects, cookies and log line for every
    request are not wanted here, nor is their time.

    It waits without a limit of its own: a call that is cancelled, as at its deadline, closes its
    connection, because a late answer on it would be taken for that of the next request.
    """

    def __init__(self, settings: FeastSettings) -> None:
        self._url = settings.url.rstrip("/")
        self._tls_ca = settings.tls_ca
        self._headers = _headers(settings)
        self._free = asyncio.Semaphore(settings.connections)
        self._http: httpx.AsyncHTTPTransport | None = None
        self._closed = False

    async def send(self, method: str, path: str, body: bytes, most: int) -> tuple[int, bytes]:
        """Status and body of the answer to one request.

        Raises
        ------
        StoreUnavailable
            No answer could be had.
        StoreCorrupt
            The answer has more than `most` bytes.
        """
        async with self._free:
            with translated(self._url):
                request = httpx.Request(
                    method, self._url + path, headers=self._headers, content=body
                )
                response = await self._opened().handle_async_request(request)
                try:
                    return response.status_code, await self._read(response, most)
                finally:
                    await response.aclose()

    async def close(self) -> None:
        """Close all connections; a second close does nothing."""
        http, self._http, self._closed = self._http, None, True
        if http is not None:
            await http.aclose()

    async def _read(self, response: httpx.Response, most: int) -> bytes:
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > most:
                raise StoreCorrupt(f"feast {self._url}: answers with over {most} bytes")
        return bytes(body)

    def _opened(self) -> httpx.AsyncHTTPTransport:
        if self._closed:
            raise StoreUnavailable(f"feast {self._url}: closed")
        if self._http is None:
            self._http = _connected(self._tls_ca)
        return self._http


def _headers(settings: FeastSettings) -> dict[str, str]:
    fixed = {"accept-encoding": "identity", "content-type": "application/json"}
    token = {} if settings.token is None else {"authorization": f"Bearer {settings.token}"}
    return {"user-agent": "bandit-serve", **fixed, **token}


def _connected(tls_ca: Path | None) -> httpx.AsyncHTTPTransport:
    # `Client` bounds the connections: httpcore 1.0.9 never frees the place of a request cancelled
    # while it waits for one, so that a pool with a bound would fill up for good.
    return httpx.AsyncHTTPTransport(
        verify=True if tls_ca is None else ssl.create_default_context(cafile=tls_ca),
        trust_env=False,
        limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S),
    )
