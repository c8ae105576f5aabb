"""Opening the store that is meant, the same way wherever it is opened."""

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from featurestore import Chunked, FeatureStore, LmdbStore, Replacement, StoreError, Tables
from service.adapters import ADAPTERS
from service.config import Settings
from service.storekind import StoreKind
from service.storesettings import StoreSettings

__all__ = [
    "StoreChoice",
    "is_transactional",
    "name_of",
    "open_chunked",
    "open_features",
    "open_store",
    "open_tables",
    "replacing",
    "same_store",
]


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """Which store a command is about; what is None is as the settings say.

    Attributes
    ----------
    kind : StoreKind or None
        What holds the features.
    place : str or None
        A folder, or a URL.
    """

    kind: StoreKind | None = None
    place: str | None = None


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
        verb = "listed" if readonly else "written"
        raise StoreError(f"{kind} can't be {verb} by this command")
    return OPENERS[kind](settings, meant.place, readonly)


def open_features(settings: Settings, choice: StoreChoice) -> FeatureStore:
    """Open a store whose rows are fetched by their ids.

    Raises
    ------
    StoreError
        It can't be opened.
    """
    kind = _kind(settings, choice)
    if kind is StoreKind.EMBEDDED:
        return open_store(_embedded(settings, choice.place))
    values = _redis(settings, choice.place) if kind is StoreKind.REDIS else None
    return open_chunked(settings.store, kind, values)


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
    return Chunked(adapter.open(values or settings.remote[adapter.section]), settings.chunked)


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


def name_of(settings: Settings, choice: StoreChoice) -> str:
    """Where a store is, for people to read: its folder, or its URL without a password."""
    kind = _kind(settings, choice)
    if kind is StoreKind.EMBEDDED:
        return str(choice.place or settings.store.path)
    url = _url(settings, choice)
    return _without_password(url) if url else kind


def same_store(settings: Settings, one: StoreChoice, other: StoreChoice) -> bool:
    """Whether two choices name one store, as far as their names tell."""
    kinds = _kind(settings, one), _kind(settings, other)
    return kinds[0] is kinds[1] and _address(settings, one) == _address(settings, other)


def _kind(settings: Settings, choice: StoreChoice) -> StoreKind:
    return choice.kind or settings.store.kind


def _address(settings: Settings, choice: StoreChoice) -> object:
    if _kind(settings, choice) is StoreKind.EMBEDDED:
        return Path(choice.place or settings.store.path).resolve()
    url = urlsplit(_url(settings, choice))
    return url.scheme, url.hostname, url.port, url.path.rstrip("/"), url.query


def _url(settings: Settings, choice: StoreChoice) -> str:
    """Where a store over a network is; empty for Vertex AI at its usual place."""
    values = settings.store.remote[ADAPTERS[_kind(settings, choice)].section]
    return choice.place or str(values.get("url") or values.get("endpoint") or "")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    account, _, host = parts.netloc.rpartition("@")
    user = account.partition(":")[0]
    return f"{parts.scheme}://{user}{'@' if user else ''}{host}{parts.path}"


def _open_embedded(settings: Settings, folder: str | None, readonly: bool) -> Tables:
    return open_store(_embedded(settings, folder), readonly=readonly)


def _embedded(settings: Settings, folder: str | None) -> StoreSettings:
    path = settings.store.path if folder is None else Path(folder)
    return dataclasses.replace(settings.store, path=path)


def _open_redis(settings: Settings, url: str | None, _: bool) -> Tables:
    made = ADAPTERS[StoreKind.REDIS].settings(_redis(settings, url))
    from featurestore.redis import RedisTables

    return RedisTables(made)


def _redis(settings: Settings, url: str | None) -> Mapping[str, Any]:
    """Return the values of [redis] with another URL, which is that of a single server."""
    values = settings.store.remote["redis"]
    return values if url is None else {**values, "url": url, "cluster": False, "seeds": []}


# By kind, what opens its tables at a place (None: the settings') to be read, or written too.
OPENERS: dict[StoreKind, Callable[[Settings, str | None, bool], Tables]] = {
    StoreKind.EMBEDDED: _open_embedded,
    StoreKind.REDIS: _open_redis,
}
