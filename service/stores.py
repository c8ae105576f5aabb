"""Opening the store that the settings name, the same way wherever it is opened."""

from featurestore import LmdbStore
from service.storesettings import StoreSettings

__all__ = ["open_store"]


def open_store(settings: StoreSettings, *, readonly: bool = True) -> LmdbStore:
    """Open the embedded store; raises StoreError when it can't be."""
    return LmdbStore.open(settings.path, map_size_gib=settings.map_size_gib, readonly=readonly)
