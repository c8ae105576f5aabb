"""Features of entities: a store's contract, its adapters, and the hot tier in front of them."""

from featurestore.batch import FeatureBatch, Lost
from featurestore.cached import Cached
from featurestore.cachedtable import CachedSettings
from featurestore.chunked import Chunked, ChunkedSettings
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
from featurestore.measurement import Histogram, Kind, Measured, Measurement
from featurestore.memory import FaultyStore, MemoryStore
from featurestore.replacement import Replacement
from featurestore.resident import Resident
from featurestore.store import FeatureStore
from featurestore.tablelist import check_name
from featurestore.tables import TableInfo, Tables

__all__ = [
    "Cached",
    "CachedSettings",
    "Changes",
    "Chunked",
    "ChunkedSettings",
    "Counts",
    "FaultyStore",
    "FeatureBatch",
    "FeatureStore",
    "FeaturesDiffer",
    "Histogram",
    "Kind",
    "LmdbStore",
    "Lost",
    "Measured",
    "Measurement",
    "MemoryStore",
    "Progress",
    "Replacement",
    "Resident",
    "StoreBusy",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "TableInfo",
    "Tables",
    "UnknownFeature",
    "check_name",
]
