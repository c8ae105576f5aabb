"""The hot tier: tables of the embedded store held in memory, following what is written there."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from featurestore.batch import FeatureBatch, screen
from featurestore.embedded import LmdbStore, select
from featurestore.errors import StoreError
from featurestore.hot import HotTable
from featurestore.invalid import InvalidLog
from idcolumn import IdColumn

__all__ = ["Cached", "Counts", "Progress"]

logger = logging.getLogger("bandit_serve.featurestore")

T = TypeVar("T")


@dataclass(slots=True)
class Counts:
    """What the tier did since it was made; every field counts rows but the last.

    Attributes
    ----------
    hits : int
        Served from memory.
    misses : int
        Not in memory, and asked of the store.
    missing : int
        Known to nobody.
    late : int
        Not had in time, or not at all because the store failed.
    invalid : int
        Treated as missing, because a value is not finite and > 0.
    refreshed : int
        Read again because they were written.
    not_resident : int
        In the store and not in memory, as last looked at.
    errors : int
        Failed reads, of the journal or of rows.
    """

    hits: int = 0
    misses: int = 0
    missing: int = 0
    late: int = 0
    invalid: int = 0
    refreshed: int = 0
    not_resident: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows in memory, and rows in the store when the fill began."""

    rows: int
    total: int


class Cached:
    """A `FeatureStore` that serves from memory what it holds and reads the rest through.

    Parameters
    ----------
    store : LmdbStore
        Closed together with the tier.
    max_rows : int
        Rows held of each table; nothing is evicted, so a larger table is held in part. While a
        table that was replaced is read anew, the old rows are held too.
    follow_interval_s : float
        Seconds between two looks at the journal.
    """

    def __init__(self, store: LmdbStore, *, max_rows: int, follow_interval_s: float = 0.2) -> None:
        if not max_rows > 0:
            raise ValueError(f"max_rows is {max_rows}, must be > 0")
        if not follow_interval_s > 0:
            raise ValueError(f"follow_interval_s is {follow_interval_s}, must be > 0")
        self.counts = Counts()
        self._store = store
        self._max_rows = max_rows
        self._interval_s = follow_interval_s
        self._tables: dict[str, HotTable] = {}
        self._filling: dict[str, HotTable] = {}
        self._total = 0
        self._applied: int | None = None
        self._looked = time.monotonic()
        self._failures = 0
        self._invalid = InvalidLog()
        # A table being read anew must not keep the journal waiting: a thread for each.
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="featurestore-load")
        self._follower = ThreadPoolExecutor(1, thread_name_prefix="featurestore-follow")

    @property
    def progress(self) -> Progress:
        """How far `fill` is."""
        return Progress(sum(map(len, self._tables.values())), self._total)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the rows take."""
        return sum(hot.nbytes for hot in {*self._tables.values(), *self._filling.values()})

    @property
    def complete(self) -> bool:
        """Every row of every table that the tier knows is in memory."""
        return self._applied is not None and all(hot.complete for hot in self._tables.values())

    async def fill(self) -> None:
        """Take every table into memory, as far as the bound allows; requests may come meanwhile.

        Raises
        ------
        StoreError
            The store can't be read; what is in memory stays and is right.
        """
        await self._begin()
        tables = await _within(self._loader, self._store.tables)
        self._total = sum(info.rows for info in tables.values())
        for entity_type in tables:
            await self._load(entity_type)
        await self._weigh()

    async def follow(self) -> None:
        """Apply what is written to the store, until cancelled; failures are logged and retried."""
        reloads: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                try:
                    await self._look(reloads)
                    self._failures = 0
                except Exception as error:
                    self._failed(error)
                await asyncio.sleep(self._interval_s)
        finally:
            for task in reloads.values():
                task.cancel()

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`; rows that the store fails to give are late, not an error."""
        now = time.monotonic()
        hot = self._tables.get(entity_type)
        if not now < deadline:
            batch = FeatureBatch.nothing(len(ids), len(features), late=True)
        elif hot is None:
            batch = await self._store.fetch(entity_type, ids, features, deadline)
            self.counts.misses += len(ids)
        else:
            batch = await self._fetch_from(hot, ids, features, deadline, now)
        self._count(entity_type, batch)
        return batch

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`."""
        await self._store.check(deadline)

    async def close(self) -> None:
        """See `FeatureStore.close`; cancel `follow` before."""
        for hot in self._filling.values():
            hot.abandon()
        await asyncio.to_thread(self._loader.shutdown, cancel_futures=True)
        await asyncio.to_thread(self._follower.shutdown, cancel_futures=True)
        await self._store.close()

    async def _fetch_from(
        self,
        hot: HotTable,
        ids: IdColumn,
        features: tuple[str, ...],
        deadline: float,
        now: float,
    ) -> FeatureBatch:
        complete = hot.complete  # before the lookup: a miss during the fill proves nothing after it
        values, found, hits = hot.lookup(ids, features)
        late = np.zeros(len(ids), np.bool_)
        self.counts.hits += hits
        whole = complete or hits == len(ids)
        if not whole:
            await self._read_through(
                hot, ids, features, deadline, FeatureBatch(values, found, late)
            )
        invalid = screen(values, found) if hot.tainted or not whole else 0
        since = self._looked if hot.outdated_since is None else hot.outdated_since
        return FeatureBatch(values, found, late, invalid, now - since if hits else 0.0)

    async def _read_through(
        self,
        hot: HotTable,
        ids: IdColumn,
        features: tuple[str, ...],
        deadline: float,
        into: FeatureBatch,
    ) -> None:
        absent = np.flatnonzero(~into.found)
        wanted = ids.take(absent)
        self.counts.misses += len(absent)
        try:
            rows = await self._store.until(deadline, lambda: hot.read_through(wanted))
        except StoreError as error:
            self._failed(error)
            rows = None
        if rows is None:
            into.late[absent] = True
        else:
            into.values[absent], into.found[absent] = select(rows, hot.entity_type, features)

    def _count(self, entity_type: str, batch: FeatureBatch) -> None:
        late = int(np.count_nonzero(batch.late))
        self.counts.late += late
        self.counts.invalid += batch.invalid
        self.counts.missing += len(batch.found) - int(np.count_nonzero(batch.found)) - late
        self._invalid.note(entity_type, batch.invalid)

    async def _begin(self) -> None:
        if self._applied is None:
            self._looked = time.monotonic()
            self._applied = await _within(self._follower, self._store.sequence)

    async def _look(self, reloads: dict[str, asyncio.Task[None]]) -> None:
        await self._begin()
        looked, applied = time.monotonic(), self._applied or 0
        changes = await _within(self._follower, lambda: self._store.changes(applied))
        for entity_type in changes.replaced:
            self._outdate(entity_type, looked)
            if entity_type in reloads:
                reloads[entity_type].cancel()
            reloads[entity_type] = asyncio.create_task(self._reload(entity_type))
        for entity_type, ids in changes.written.items():
            await self._refresh(entity_type, ids)
        self._applied, self._looked = changes.last, looked
        if changes.last != applied:
            await self._weigh()

    async def _refresh(self, entity_type: str, ids: IdColumn) -> None:
        hot = self._filling.get(entity_type) or self._tables.get(entity_type)
        if hot is not None:
            self.counts.refreshed += await _within(self._follower, lambda: hot.refresh(ids))

    def _outdate(self, entity_type: str, at: float) -> None:
        hot = self._tables.get(entity_type)
        if hot is not None and hot.outdated_since is None:
            hot.outdated_since = at

    async def _reload(self, entity_type: str) -> None:
        while True:
            try:
                await self._load(entity_type)
                return await self._weigh()
            except Exception as error:
                self._failed(error)
            await asyncio.sleep(self._interval_s)

    async def _load(self, entity_type: str) -> None:
        while True:
            table = await _within(self._loader, lambda: self._store.table(entity_type))
            if table is None:
                return
            hot = HotTable(self._store, entity_type, table, self._max_rows)
            self._filling[entity_type] = hot
            self._tables.setdefault(entity_type, hot)
            try:
                done = await _within(self._loader, hot.pour)
                if self._filling.get(entity_type) is not hot:
                    return  # another load of the table began later and is in charge
                if done:
                    self._tables[entity_type] = hot
                    return
            finally:
                hot.abandon()
                if self._filling.get(entity_type) is hot:
                    del self._filling[entity_type]

    async def _weigh(self) -> None:
        tables = await _within(self._follower, self._store.tables)
        held = {name: len(hot) for name, hot in self._tables.items()}
        self.counts.not_resident = sum(
            max(0, info.rows - held.get(name, 0)) for name, info in tables.items()
        )

    def _failed(self, error: Exception) -> None:
        self.counts.errors += 1
        self._failures += 1
        if self._failures & (self._failures - 1) == 0:  # the 1st, 2nd, 4th, 8th in a row
            logger.warning("reading the store failed, failure %d: %s", self._failures, error)


async def _within(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)
