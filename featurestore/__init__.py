"""Features of entities: a store's contract, its adapters, and the hot tier in front of them."""

from featurestore.batch import FeatureBatch
from featurestore.cached import Cached
from featurestore.catalogue import TableInfo, check_name
from featurestore.counts import Counts, Progress
from featurestore.embedded import LmdbStore
from featurestore.errors import (
    FeaturesDiffer,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreUnavailable,
    UnknownFeature,
)
from featurestore.journal import Changes
from featurestore.memory import FaultyStore, MemoryStore
from featurestore.replacement import Replacement
from featurestore.store import FeatureStore

__all__ = [
    "Cached",
    "Changes",
    "Counts",
    "FaultyStore",
    "FeatureBatch",
    "FeatureStore",
    "FeaturesDiffer",
    "LmdbStore",
    "MemoryStore",
    "Progress",
    "Replacement",
    "StoreBusy",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "TableInfo",
    "UnknownFeature",
    "check_name",
]
