"""HTTP to one feature server: a bounded pool of connections, answers of bounded size."""

import asyncio
import logging
import ssl

import httpx

from featurestore.errors import StoreCorrupt, StoreUnavailable
from featurestore.feast.failures import translated
from featurestore.feast.settings import FeastSettings

__all__ = ["Client"]

# An idle connection that died unnoticed costs the fetch that takes it, so none is kept for long.
KEEP_ALIVE_S = 2.0


class Client:
    """Connects on first use, in the event loop of that call.

    It waits without a limit of its own: a call that is cancelled, as at its deadline, closes its
    connection, because a late answer on it would be taken for that of the next request.
    """

    def __init__(self, settings: FeastSettings) -> None:
        self._settings = settings
        self._url = settings.url.rstrip("/")
        self._http: httpx.AsyncClient | None = None
        self._free = asyncio.Semaphore(settings.connections)
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
                http, url = self._opened(), self._url + path
                async with http.stream(method, url, content=body) as response:
                    return response.status_code, await self._read(response, most)

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

    def _opened(self) -> httpx.AsyncClient:
        if self._closed:
            raise StoreUnavailable(f"feast {self._url}: closed")
        if self._http is None:
            self._http = _client_of(self._settings)
        return self._http


def _client_of(settings: FeastSettings) -> httpx.AsyncClient:
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs a line for every request
    ca = settings.tls_ca
    headers = {"content-type": "application/json", "accept-encoding": "identity"}
    if settings.token is not None:
        headers["authorization"] = f"Bearer {settings.token}"
    return httpx.AsyncClient(
        headers=headers,
        verify=True if ca is None else ssl.create_default_context(cafile=ca),
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113 - the caller's deadline cancels
        # The semaphore bounds the connections: httpcore 1.0.9 never frees the place of a request
        # cancelled while it waits for one, so that a pool with a bound would fill up for good.
        limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S),
    )
