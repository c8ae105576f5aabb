"""The kinds of stores."""

from enum import StrEnum

__all__ = ["StoreKind"]


class StoreKind(StrEnum):
    """What holds the features."""

    EMBEDDED = "embedded"
    REDIS = "redis"
    VERTEX = "vertex"
    VERTEX_LEGACY = "vertex-legacy"
    FEAST = "feast"
