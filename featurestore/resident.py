"""The hot tier as a store: from memory what is there, the rest from the embedded store."""

from collections.abc import Iterator
from functools import partial
from time import monotonic

import numpy as np

from featurestore.batch import FeatureBatch, Lost
from featurestore.counts import Counts, Progress
from featurestore.embedded import LmdbStore
from featurestore.errors import StoreError
from featurestore.hot import HotTable
from featurestore.invalid import InvalidLog
from featurestore.measurement import Measurement, counter, gauge, highest
from featurestore.rows import select
from featurestore.tier import HotTier
from featuretable import screen
from idcolumn import IdColumn

__all__ = ["Resident"]


class Resident:
    """A `FeatureStore` that holds the tables of an embedded one in memory and follows it.

    Rows that are not in memory are read through, in a thread; when the whole table is, an id that
    is not there is unknown and nothing is read. Before the `fill`, everything is read through.

    Parameters
    ----------
    store : LmdbStore
        Closed together with the tier.
    max_rows : int
        Rows held of each table; nothing is evicted, so a larger table is held in part. While a
        table that was replaced is read anew, the old rows are held too.
    follow_interval_s : float
        Seconds between two looks at what was written.

    Attributes
    ----------
    counts : Counts
        What the tier did so far.
    """

    def __init__(self, store: LmdbStore, *, max_rows: int, follow_interval_s: float = 0.2) -> None:
        if not max_rows > 0:
            raise ValueError(f"max_rows is {max_rows}, must be > 0")
        if not follow_interval_s > 0:
            raise ValueError(f"follow_interval_s is {follow_interval_s}, must be > 0")
        self.counts = Counts()
        self._store = store
        self._tier = HotTier(store, max_rows, follow_interval_s, self.counts)
        self._invalid = InvalidLog()

    @property
    def progress(self) -> Progress:
        """How far `fill` is."""
        return self._tier.progress

    @property
    def complete(self) -> bool:
        """Every row of every table that the tier knows is in memory."""
        return self._tier.complete

    @property
    def lag_s(self) -> float:
        """Seconds since the store was last asked, with success, what was written."""
        return self._tier.lag_s

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the rows take."""
        return self._tier.nbytes

    async def fill(self) -> None:
        """Take every table into memory, as far as the bound allows; requests may come meanwhile.

        Raises
        ------
        StoreError
            The store can't be read; what is in memory stays and is right.
        """
        await self._tier.fill()

    async def follow(self) -> None:
        """Apply what is written to the store, until cancelled; failures are logged and retried."""
        await self._tier.follow()

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`; rows that the store fails to give are late, not an error."""
        now = monotonic()
        if now >= deadline:
            return FeatureBatch.nothing(len(ids), len(features), Lost.LATE)
        hot = self._tier.table(entity_type)
        whole = hot is not None and hot.complete  # before the lookup: rows may come in between
        held = self._held(hot, ids, features, now)
        if hot is None or (held.hits < len(ids) and not whole):
            batch = await self._read_through(entity_type, hot, ids, features, deadline, held)
        elif hot.tainted:
            batch = _screened(held)
        else:
            return held
        self._invalid.note(entity_type, batch.invalid)
        return batch

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`."""
        await self._store.check(deadline)

    def measurements(self) -> Iterator[Measurement]:
        """See `Measured.measurements`."""
        did = self.counts
        yield counter("hot_tier_hits", "Rows served from memory.", did.hits)
        yield counter("hot_tier_misses", "Rows not in memory and asked of the store.", did.misses)
        yield counter(
            "hot_tier_refreshed_rows", "Rows read again because they were written.", did.refreshed
        )
        yield counter(
            "store_errors", "Failed reads of rows or of the journal; the log says why.", did.errors
        )
        yield gauge("hot_tier_rows", "Rows in memory, over all workers.", self._tier.progress.rows)
        yield gauge("hot_tier_bytes", "Memory that the rows take, over all workers.", self.nbytes)
        yield highest(
            "hot_tier_not_resident_rows",
            "Rows of the store that a worker has no room for; above 0, raise store.hot_rows.",
            did.not_resident,
        )
        yield highest(
            "hot_tier_lag_seconds",
            "Time since a worker last asked the store, with success, what was written.",
            self.lag_s,
        )

    async def close(self) -> None:
        """See `FeatureStore.close`; cancel `follow` before."""
        await self._tier.close()
        await self._store.close()

    def _held(
        self, hot: HotTable | None, ids: IdColumn, features: tuple[str, ...], now: float
    ) -> FeatureBatch:
        """Return what is in memory."""
        if hot is None:
            return FeatureBatch.nothing(len(ids), len(features))
        values, found, hits = hot.lookup(ids, features)
        batch = FeatureBatch(values, found)
        batch.hits = hits
        batch.oldest_age_s = self._tier.age_s(hot, now) if batch.hits else 0.0
        self.counts.hits += batch.hits
        return batch

    async def _read_through(
        self,
        entity_type: str,
        hot: HotTable | None,
        ids: IdColumn,
        features: tuple[str, ...],
        deadline: float,
        batch: FeatureBatch,
    ) -> FeatureBatch:
        absent = np.flatnonzero(~batch.found)
        wanted = ids.take(absent)
        read = partial(self._store.lookup, entity_type) if hot is None else hot.read_through
        self.counts.misses += len(absent)
        lost = Lost.LATE
        try:
            rows = await self._store.until(deadline, lambda: read(wanted))
            self._tier.succeeded("reading")
        except StoreError as error:
            self._tier.failed("reading", error)
            rows, lost = None, Lost.FAILED
        if rows is None:
            batch.lost[absent] = lost
        else:
            batch.values[absent], batch.found[absent] = select(rows, entity_type, features)
        return _screened(batch)


def _screened(batch: FeatureBatch) -> FeatureBatch:
    invalid = screen(batch.values, batch.found)
    return FeatureBatch(batch.values, batch.found, batch.lost, invalid, batch.oldest_age_s)
