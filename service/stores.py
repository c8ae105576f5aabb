"""Opening the store that is meant, the same way wherever it is opened."""

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from featurestore import FeatureStore, LmdbStore, Replacement, StoreError, Tables
from service.config import Settings
from service.storekind import StoreKind
from service.storesettings import StoreSettings

__all__ = [
    "StoreChoice",
    "is_transactional",
    "name_of",
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
    module, extra = CLIENTS.get(kind, ("", ""))
    if module and find_spec(module) is None:
        raise StoreError(f"{kind} needs a client package: pip install 'bandit-serve[{extra}]'")
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
    if kind is not StoreKind.EMBEDDED:
        raise StoreError(f"{kind} can't be read by this command")
    return open_store(_embedded(settings, choice.place))


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
    return _without_password(choice.place) if choice.place else kind


def same_store(settings: Settings, one: StoreChoice, other: StoreChoice) -> bool:
    """Whether two choices name one store, as far as their names tell."""
    kinds = _kind(settings, one), _kind(settings, other)
    return kinds[0] is kinds[1] and _address(settings, one) == _address(settings, other)


def _kind(settings: Settings, choice: StoreChoice) -> StoreKind:
    return choice.kind or settings.store.kind


def _address(settings: Settings, choice: StoreChoice) -> object:
    if _kind(settings, choice) is StoreKind.EMBEDDED:
        return Path(choice.place or settings.store.path).resolve()
    url = urlsplit(choice.place or "")
    return url.scheme, url.hostname, url.port, url.path.rstrip("/"), url.query


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


# By kind, what opens its tables at a place (None: the settings') to be read, or written too.
OPENERS: dict[StoreKind, Callable[[Settings, str | None, bool], Tables]] = {
    StoreKind.EMBEDDED: _open_embedded,
}

# By kind, the module of its client package and the extra that installs it.
CLIENTS = {StoreKind.REDIS: ("redis", "redis")}
