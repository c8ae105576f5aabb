"""The tables of a store, if it can list them and does so soon."""

import threading
from contextlib import suppress

from featurestore import StoreError
from service.config import Settings
from service.stores.opening import open_tables

__all__ = ["Listing", "listed"]

Listing = dict[str, tuple[str, ...]]


def listed(settings: Settings, within_s: float) -> Listing | None:
    """Return the features of every table, by its name; None when they can't be had in time."""
    found: list[Listing] = []
    asking = threading.Thread(target=_list, args=(settings, found), daemon=True)
    asking.start()
    asking.join(within_s)
    return found[0] if found else None


def _list(settings: Settings, found: list[Listing]) -> None:
    with suppress(StoreError), open_tables(settings) as tables:
        found.append(dict(sorted(tables.features().items())))
