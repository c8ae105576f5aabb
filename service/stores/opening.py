"""Opening the store that is meant, the same way wherever it is opened."""

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from featurestore import Chunked, FeatureStore, LmdbStore, Replacement, StoreError, Tables
from service.config import Settings
from service.stores.adapters import ADAPTERS
from service.stores.choice import StoreChoice
from service.stores.kind import StoreKind
from service.stores.settings import StoreSettings

__all__ = [
    "is_transactional",
    "name_of",
    "open_chunked",
    "open_features",
    "open_store",
    "open_tables",
    "replacing",
    "rows_of",
    "same_store",
]

REDIS_PORT = 6379


def open_store(settings: StoreSettings, *, readonly: bool = True) -> LmdbStore:
    """Open the embedded store; raises StoreError when it can't be."""
    return LmdbStore.open(settings.path, map_size_gib=settings.map_size_gib, readonly=readonly)


def open_tables(
    settings: Settings, choice: StoreChoice | None = None, *, readonly: bool = True
) -> Tables:
    """Open a store whose tables can be listed and, unless readonly, written.

    Raises
    ------
    StoreError
        It can't be opened, its client package is not installed, or stores of its kind have no
        tables to be listed and written.
    """
    meant = choice or StoreChoice()
    kind = _kind(settings, meant)
    if kind not in OPENERS:
        what = "listed by this command; copy --ids reads from it" if readonly else "written"
        raise StoreError(f"{kind} can't be {what}")
    return OPENERS[kind](settings, meant, readonly)


def open_features(settings: Settings, choice: StoreChoice) -> FeatureStore:
    """Open a store whose rows are fetched by their ids.

    Raises
    ------
    StoreError
        It can't be opened.
    """
    kind = _kind(settings, choice)
    if kind is StoreKind.EMBEDDED:
        return open_store(_embedded(settings, choice))
    return open_chunked(settings.store, kind, _values(settings, choice))


def open_chunked(
    settings: StoreSettings, kind: StoreKind, values: Mapping[str, Any] | None = None
) -> Chunked:
    """Make a store over a network with the settings of its section, or with other values.

    Raises
    ------
    StoreUnavailable
        Its package is missing, or a setting is wrong.
    """
    adapter = ADAPTERS[kind]
    store = adapter.open(values or settings.remote[adapter.section])
    # The settings may be for another kind.
    chunk = min(settings.chunked.chunk or adapter.usual_ids, adapter.most_ids)
    return Chunked(store, dataclasses.replace(settings.chunked, chunk=chunk))


def is_transactional(settings: Settings, choice: StoreChoice) -> bool:
    """Whether a write is there whole or not at all, and a table can be replaced as a whole."""
    return _kind(settings, choice) is StoreKind.EMBEDDED


def replacing(
    store: Tables, entity_type: str, features: tuple[str, ...]
) -> AbstractContextManager[Replacement]:
    """Load a table anew; see `LmdbStore.replacing`."""
    if not isinstance(store, LmdbStore):
        raise StoreError("only the embedded store can replace a whole table")
    return store.replacing(entity_type, features)


def rows_of(store: Tables, entity_type: str) -> int | None:
    """How many rows a table has; None where the store would read all its keys to tell."""
    if not isinstance(store, LmdbStore):
        return None
    info = store.tables().get(entity_type)
    return info.rows if info else 0


def name_of(settings: Settings, choice: StoreChoice) -> str:
    """Where a store is, for people to read: its folder, or its URL without a password."""
    kind = _kind(settings, choice)
    if kind is StoreKind.EMBEDDED:
        return str(choice.place or settings.store.path)
    values = _values(settings, choice)
    if "url" in values:
        return _without_password(values["url"])
    return f"{kind} {values['endpoint'] or values['location']}"


def same_store(settings: Settings, one: StoreChoice, other: StoreChoice) -> bool:
    """Whether two choices name one store, as far as their names tell."""
    kinds = _kind(settings, one), _kind(settings, other)
    return kinds[0] is kinds[1] and _address(settings, one) == _address(settings, other)


def _kind(settings: Settings, choice: StoreChoice) -> StoreKind:
    return choice.kind or settings.store.kind


def _address(settings: Settings, choice: StoreChoice) -> object:
    if _kind(settings, choice) is StoreKind.EMBEDDED:
        return Path(choice.place or settings.store.path).resolve()
    url = urlsplit(_values(settings, choice).get("url", ""))
    path = url.path.rstrip("/").removesuffix("/0")
    return url.scheme, url.hostname, url.port or REDIS_PORT, path, url.query


def _values(settings: Settings, choice: StoreChoice) -> Mapping[str, Any]:
    """Return the settings of a store over a network."""
    section = ADAPTERS[_kind(settings, choice)].section
    return {**settings.store.remote[section], **choice.overrides.get(section, {})}


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    account, _, host = parts.netloc.rpartition("@")
    user = account.partition(":")[0]
    return f"{parts.scheme}://{user}{'@' if user else ''}{host}{parts.path}"


def _open_embedded(settings: Settings, choice: StoreChoice, readonly: bool) -> Tables:
    return open_store(_embedded(settings, choice), readonly=readonly)


def _embedded(settings: Settings, choice: StoreChoice) -> StoreSettings:
    path = settings.store.path if choice.place is None else Path(choice.place)
    return dataclasses.replace(settings.store, path=path)


def _open_redis(settings: Settings, choice: StoreChoice, _: bool) -> Tables:
    made = ADAPTERS[StoreKind.REDIS].settings(_values(settings, choice))
    from featurestore.redis import RedisTables

    return RedisTables(made)


# By kind, what opens its tables to be read (True) or written too.
OPENERS: dict[StoreKind, Callable[[Settings, StoreChoice, bool], Tables]] = {
    StoreKind.EMBEDDED: _open_embedded,
    StoreKind.REDIS: _open_redis,
}
