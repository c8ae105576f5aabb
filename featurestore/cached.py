"""A hot tier in front of a store over a network: rows that are young enough come from memory."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from featurestore.batch import FeatureBatch, Lost
from featurestore.cachedtable import CachedSettings, CachedTable
from featurestore.chunked import Chunked
from featurestore.measurement import Measurement, counter, gauge
from idcolumn import IdColumn

__all__ = ["Cached", "CachedCounts"]


@dataclass(slots=True)
class CachedCounts:
    """What the tier did with rows.

    Attributes
    ----------
    fresh : int
        Answered from memory, and young enough.
    unknown : int
        Of the fresh ones, those of which memory says that the store has none.
    stale : int
        Answered from memory although older than they should be; being read again.
    miss : int
        Not in memory, or too old to be served.
    """

    fresh: int = 0
    unknown: int = 0
    stale: int = 0
    miss: int = 0


class Cached:
    """A `FeatureStore` that keeps rows in memory for a while, and what the store doesn't know too.

    A row older than its time to live is still served for some time while it is read again in the
    background, each once, many together; so a store that is down is not noticed at once. Requests
    that want the same missing rows share one fetch, which goes on in the background when their
    deadlines pass first.

    Parameters
    ----------
    store : Chunked
        Closed together with the tier.
    settings : CachedSettings
        See there.
    """

    def __init__(self, store: Chunked, settings: CachedSettings) -> None:
        self.counts = CachedCounts()
        self.settings = settings
        self._store = store
        self._tables: dict[tuple[str, tuple[str, ...]], CachedTable] = {}

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`; rows that the store fails to give are lost, not an error.

        A row with an unusable value counts as invalid when it is read, and as missing from then on.
        """
        if not len(ids):
            return await self._store.fetch(entity_type, ids, features, deadline)
        now = time.monotonic()
        if not now < deadline:
            return FeatureBatch.nothing(len(ids), len(features), Lost.LATE)
        table = self._table(entity_type, features)
        batch, absent, tally = table.lookup(ids, now)
        self.counts.fresh += tally.found + tally.unknown - tally.stale
        self.counts.stale += tally.stale
        self.counts.unknown += tally.unknown
        self.counts.miss += tally.absent
        if absent is None:
            return batch
        return await table.fill(batch, ids, absent, deadline)

    def measurements(self) -> Iterator[Measurement]:
        """See `Measured`."""
        yield from self._store.measurements()
        counts, tables = self.counts, self._tables.values()
        yield counter("hot_tier_hits", "Rows served from memory.", counts.fresh + counts.stale)
        about = "Of the hits, those that are stale; they are being read again."
        yield counter("hot_tier_stale_hits", about, counts.stale)
        about = "Of the hits, those that say that the store has no such row."
        yield counter("hot_tier_negative_hits", about, counts.unknown)
        about = "Rows not in memory, or too old, and asked of the store."
        yield counter("hot_tier_misses", about, counts.miss)
        about = "Rows read again because they were stale."
        yield counter("hot_tier_refreshed_rows", about, sum(t.refreshed for t in tables))
        about = "Stale rows that could not be read again; they are tried again soon."
        yield counter("hot_tier_failed_refreshes", about, sum(t.not_refreshed for t in tables))
        about = "Rows that gave way to others; if they are many, raise store.hot_rows."
        yield counter("hot_tier_evicted_rows", about, sum(t.rows.evicted for t in tables))
        about = "Rows in memory, over all workers."
        yield gauge("hot_tier_rows", about, sum(len(t.rows) for t in tables))
        about = "Memory that the rows take, over all workers."
        yield gauge("hot_tier_bytes", about, sum(t.rows.nbytes for t in tables))

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`."""
        await self._store.check(deadline)

    async def close(self) -> None:
        """See `FeatureStore.close`."""
        for table in self._tables.values():
            table.close()
        await self._store.close()

    def _table(self, entity_type: str, features: tuple[str, ...]) -> CachedTable:
        try:
            return self._tables[entity_type, features]
        except KeyError:
            table = CachedTable(self._store, entity_type, features, self.settings)
            self._tables[entity_type, features] = table
            return table
