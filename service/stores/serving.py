"""The store that requests are answered from, put together as the settings say."""

from typing import TypeAlias

from featurestore import Cached, Chunked, Resident
from service.stores.kind import StoreKind
from service.stores.opening import open_chunked, open_store
from service.stores.settings import StoreSettings

__all__ = ["Serving", "open_serving"]

Serving: TypeAlias = Resident | Cached | Chunked


def open_serving(settings: StoreSettings) -> Serving:
    """Open the store of the settings' kind, with a hot tier in front unless they want none.

    Raises
    ------
    StoreError
        The embedded store can't be opened. The others are reached when they are first asked.
    """
    if settings.kind is StoreKind.EMBEDDED:
        return Resident(open_store(settings), max_rows=settings.hot_rows)
    chunked = open_chunked(settings, settings.kind)
    return Cached(chunked, settings.cached) if settings.cached else chunked
