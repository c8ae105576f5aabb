"""The settings of the stores: [store], [remote], and a section for each kind over a network."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featurestore import CachedSettings, ChunkedSettings
from service.fields import Fields
from service.stores.adapters import ADAPTERS, MOST_IDS
from service.stores.kind import StoreKind

__all__ = ["SECTIONS", "StoreSettings", "read_stores"]

REMOTE_SECTIONS = tuple(sorted({adapter.section for adapter in ADAPTERS.values()}))
SECTIONS = ("store", "remote", *REMOTE_SECTIONS)


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
    remote : mapping of section to mapping
        The values of the sections of the stores over a network.
    """

    kind: StoreKind
    path: Path
    map_size_gib: int
    hot_rows: int
    chunked: ChunkedSettings
    cached: CachedSettings | None
    remote: Mapping[str, Mapping[str, Any]]


def read_stores(root: Fields, standard: Mapping[str, Mapping[str, Any]]) -> StoreSettings:
    """Read the sections of all kinds, whose settings and their types are those of `standard`."""
    store, remote = root.section("store"), root.section("remote")
    kind = StoreKind(store.choice("kind", tuple(StoreKind)))
    adapter = ADAPTERS.get(kind)
    hot_rows = store.integer("hot_rows", low=1 if kind is StoreKind.EMBEDDED else 0, high=10**10)
    sections = {name: root.section(name).like(standard[name]) for name in REMOTE_SECTIONS}
    settings = StoreSettings(
        kind=kind,
        path=Path(store.text("path")),
        map_size_gib=store.integer("map_size_gib", low=1, high=16_384),
        hot_rows=hot_rows,
        chunked=_chunked(remote, adapter.most_ids if adapter else MOST_IDS),
        cached=_cached(remote, hot_rows),
        remote=sections,
    )
    store.finish()
    remote.finish()
    for problem in adapter.problems(sections[adapter.section]) if adapter else ():
        name, _, said = problem.partition(" ")
        root.problem(name, said)
    return settings


def _chunked(fields: Fields, most_ids: int) -> ChunkedSettings:
    return ChunkedSettings(
        chunk=fields.integer("chunk", low=0, high=most_ids),
        chunks_in_flight=fields.integer("chunks_in_flight", low=1, high=100_000),
        hedge=fields.flag("hedge"),
    )


def _cached(fields: Fields, hot_rows: int) -> CachedSettings | None:
    settings = CachedSettings(
        max_rows=max(hot_rows, 1),
        ttl_s=fields.number("hot_ttl_s", low=0, high=86_400),
        negative_ttl_s=fields.number("hot_negative_ttl_s", low=0, high=86_400),
        stale_s=fields.number("hot_stale_s", low=0, high=86_400),
        background_timeout_s=fields.number("background_timeout_s", low=0.01, high=60),
    )
    return settings if hot_rows else None
