"""Opening the store that the settings name, the same way wherever it is opened."""

from featurestore import LmdbStore
from service.config import StoreSettings

__all__ = ["ensure_store", "open_store"]


def open_store(settings: StoreSettings, *, readonly: bool = True) -> LmdbStore:
    """Open the embedded store; raises StoreError when it can't be."""
    return LmdbStore.open(settings.path, map_size_gib=settings.map_size_gib, readonly=readonly)


def ensure_store(settings: StoreSettings) -> None:
    """Make an empty store where there is none."""
    if not (settings.path / "data.mdb").exists():
        open_store(settings, readonly=False).shut()
