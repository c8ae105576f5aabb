"""Errors of httpx, translated."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from featurestore.errors import StoreError, StoreUnavailable

__all__ = ["TRANSLATIONS", "translated"]

# One row for every error of httpx that has something of its own to say; the first match is it.
TRANSLATIONS: list[tuple[type[Exception], type[StoreError], str]] = [
    (httpx.TimeoutException, StoreUnavailable, "no answer in time"),
    (httpx.ConnectError, StoreUnavailable, "can't connect: {error}"),
    (httpx.UnsupportedProtocol, StoreUnavailable, "the url must begin with http:// or https://"),
    (httpx.ProtocolError, StoreUnavailable, "it does not speak HTTP, or hung up: {error}"),
    (httpx.NetworkError, StoreUnavailable, "the connection broke: {kind} {error}"),
    (httpx.HTTPError, StoreUnavailable, "{kind} {error}"),
    (httpx.StreamError, StoreUnavailable, "{kind} {error}"),
    (httpx.InvalidURL, StoreUnavailable, "{error}"),
    (httpx.CookieConflict, StoreUnavailable, "{error}"),
    (OSError, StoreUnavailable, "{error}"),
]
FOREIGN = tuple(foreign for foreign, _, _ in TRANSLATIONS)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn the errors of httpx into those of a feature store, which name the server."""
    try:
        yield
    except FOREIGN as error:
        kind, text = next(
            (kind, text) for cls, kind, text in TRANSLATIONS if isinstance(error, cls)
        )
        text = text.format(kind=type(error).__name__, error=error)
        raise kind(f"feast {url}: {text}") from error
