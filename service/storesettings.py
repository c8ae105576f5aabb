"""The settings of the stores: [store], [remote], and a section for each kind over a network."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from featurestore import CachedSettings, ChunkedSettings
from service.fields import Fields

__all__ = ["SECTIONS", "StoreKind", "StoreSettings", "read_stores"]

SECTIONS = ("store", "remote", "redis", "vertex", "feast")


class StoreKind(StrEnum):
    """What holds the features."""

    EMBEDDED = "embedded"
    REDIS = "redis"
    VERTEX = "vertex"
    VERTEX_LEGACY = "vertex-legacy"
    FEAST = "feast"


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where features come from.

    Attributes
    ----------
    kind : StoreKind
        Which of the others are in use.
    path, map_size_gib
        Of the embedded store.
    hot_rows : int
        Rows of each table held in each worker's memory; 0, but not of the embedded store: none.
    chunked, cached
        How a store over a network is read, and how long its rows are kept.
    """

    kind: StoreKind
    path: Path
    map_size_gib: int
    hot_rows: int
    chunked: ChunkedSettings
    cached: CachedSettings | None


def read_stores(root: Fields) -> StoreSettings:
    """Read the sections of all kinds; those not in use must be right too."""
    store, remote = root.section("store"), root.section("remote")
    kind = StoreKind(store.choice("kind", tuple(StoreKind)))
    hot_rows = store.integer("hot_rows", low=1 if kind is StoreKind.EMBEDDED else 0, high=10**10)
    settings = StoreSettings(
        kind=kind,
        path=Path(store.text("path")),
        map_size_gib=store.integer("map_size_gib", low=1, high=16_384),
        hot_rows=hot_rows,
        chunked=_chunked(remote),
        cached=_cached(remote, hot_rows),
    )
    store.finish()
    remote.finish()
    for section in ("redis", "vertex", "feast"):
        root.section(section).finish()
    return settings


def _chunked(fields: Fields) -> ChunkedSettings:
    return ChunkedSettings(
        chunk=fields.integer("chunk", low=1, high=100_000),
        most_in_flight=fields.integer("chunks_in_flight", low=1, high=100_000),
        hedge=fields.flag("hedge"),
    )


def _cached(fields: Fields, hot_rows: int) -> CachedSettings | None:
    settings = CachedSettings(
        max_rows=max(hot_rows, 1),
        ttl_s=fields.number("hot_ttl_s", low=0, high=86_400),
        negative_ttl_s=fields.number("hot_negative_ttl_s", low=0, high=86_400),
        stale_s=fields.number("hot_stale_s", low=0, high=86_400),
        fetch_s=fields.number("background_timeout_s", low=0.01, high=60),
    )
    return settings if hot_rows else None
