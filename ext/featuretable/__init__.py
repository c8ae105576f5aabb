"""The hot tier: bounded tables in memory from an id's hashes to its features."""

from ._core import (
    ABSENT,
    CLAIMED,
    FOUND,
    STALE,
    UNKNOWN,
    FeatureCache,
    FeatureTable,
    RowReader,
    Tally,
    count,
    screen,
    unpack,
)

__all__ = [
    "ABSENT",
    "CLAIMED",
    "FOUND",
    "STALE",
    "UNKNOWN",
    "FeatureCache",
    "FeatureTable",
    "RowReader",
    "Tally",
    "count",
    "screen",
    "unpack",
]
