"""What can go wrong with a store, one class for each decision that a caller can take."""

__all__ = [
    "FeaturesDiffer",
    "StoreBusy",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "UnknownFeature",
]


class StoreError(Exception):
    """Any failure of a feature store."""


class StoreUnavailable(StoreError):
    """The store can't be opened, reached or written now: degrade, and try again later."""


class StoreFull(StoreError):
    """A bound is reached, of the map, the disk or the number of tables: raise it, then repeat."""


class StoreCorrupt(StoreError):
    """What lies there is not a store that this version reads: restore it or load it anew."""


class StoreBusy(StoreError):
    """Another bulk load is at work: repeat when it has ended."""


class UnknownFeature(StoreError):
    """A known table lacks a feature that was asked for: mend the configuration."""


class FeaturesDiffer(StoreError):
    """Rows are written with other features than the table's: replace the whole table."""
