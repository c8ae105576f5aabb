"""The tables held in memory: how they get there, and how they follow the embedded store."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from featurestore.counts import Counts, Progress
from featurestore.embedded import LmdbStore
from featurestore.errors import StoreUnavailable
from featurestore.failurelog import FailureLog
from featurestore.hot import HotTable
from idcolumn import IdColumn

__all__ = ["HotTier"]

T = TypeVar("T")


class HotTier:
    """A `HotTable` for every table of a store; its state changes on the event loop only.

    While a table is read anew because it was replaced, the old one serves, and what is written goes
    to the new one alone.
    """

    def __init__(
        self, store: LmdbStore, max_rows: int, follow_interval_s: float, counts: Counts
    ) -> None:
        self.counts = counts
        self._store = store
        self._max_rows = max_rows
        self._interval_s = follow_interval_s
        self._tables: dict[str, HotTable] = {}
        self._filling: dict[str, HotTable] = {}
        self._total = 0
        self._applied: int | None = None
        self._looked = time.monotonic()
        self._logs: dict[str, FailureLog] = {}
        self._closed = False
        # A table being read anew must not keep the journal waiting: a thread for each.
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="featurestore-load")
        self._follower = ThreadPoolExecutor(1, thread_name_prefix="featurestore-follow")

    def table(self, entity_type: str) -> HotTable | None:
        """Tell the table that serves an entity type, None when there is none."""
        return self._tables.get(entity_type)

    def age_s(self, hot: HotTable, now: float) -> float:
        """Tell how many seconds a table may lag behind the store at an instant."""
        if hot.outdated_since is None:
            return now - self._looked
        return now - hot.outdated_since

    @property
    def lag_s(self) -> float:
        """Seconds since the journal was last read with success."""
        return time.monotonic() - self._looked

    @property
    def progress(self) -> Progress:
        """Rows in memory, of how many."""
        return Progress(sum(map(len, self._tables.values())), self._total)

    @property
    def complete(self) -> bool:
        """Every row of every table that the tier knows is in memory."""
        return self._applied is not None and all(hot.complete for hot in self._tables.values())

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the rows take."""
        return sum(hot.nbytes for hot in {*self._tables.values(), *self._filling.values()})

    async def fill(self) -> None:
        """See `Resident.fill`."""
        await self._begin()
        tables = await self._in(self._loader, self._store.tables)
        self._total = sum(info.rows for info in tables.values())
        for entity_type in tables:
            await self._load(entity_type)
        await self._weigh()

    async def follow(self) -> None:
        """See `Resident.follow`."""
        reloads: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                try:
                    await self._look(reloads)
                    self.succeeded("following")
                except Exception as error:
                    self.failed("following", error)
                await asyncio.sleep(self._interval_s)
        finally:
            for task in reloads.values():
                task.cancel()
            await asyncio.gather(*reloads.values(), return_exceptions=True)

    def failed(self, what: str, error: Exception) -> None:
        """Count a failure, and log it unless it is one of many in a row."""
        self.counts.errors += 1
        self._logs.setdefault(what, FailureLog(f"{what} the store")).failed(error)

    def succeeded(self, what: str) -> None:
        """End a row of failures."""
        if what in self._logs:
            self._logs[what].succeeded()

    async def close(self) -> None:
        """End what is under way in threads."""
        self._closed = True
        for hot in self._filling.values():
            hot.abandon()
        await asyncio.to_thread(self._loader.shutdown)
        await asyncio.to_thread(self._follower.shutdown)

    async def _begin(self) -> None:
        if self._applied is None:
            looked = time.monotonic()
            applied = await self._in(self._follower, self._store.sequence)
            if self._applied is None:
                self._applied, self._looked = applied, looked

    async def _look(self, reloads: dict[str, asyncio.Task[None]]) -> None:
        await self._begin()
        looked, applied = time.monotonic(), self._applied or 0
        changes = await self._in(self._follower, lambda: self._store.changes(applied))
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
        hot = self._filling.get(entity_type, self._tables.get(entity_type))
        if hot is not None:
            self.counts.refreshed += await self._in(self._follower, lambda: hot.refresh(ids))

    def _outdate(self, entity_type: str, at: float) -> None:
        hot = self._tables.get(entity_type)
        if hot is not None and hot.outdated_since is None:
            hot.outdated_since = at

    async def _reload(self, entity_type: str) -> None:
        while True:
            try:
                await self._load(entity_type)
                self.succeeded("reloading")
                return await self._weigh()
            except Exception as error:
                self.failed("reloading", error)
            await asyncio.sleep(self._interval_s)

    async def _load(self, entity_type: str) -> None:
        while True:
            table = await self._in(self._loader, lambda: self._store.table(entity_type))
            if table is None:
                return
            hot = HotTable(self._store, entity_type, table, self._max_rows)
            self._filling[entity_type] = hot
            self._tables.setdefault(entity_type, hot)
            try:
                done = await self._in(self._loader, hot.pour)
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
        tables = await self._in(self._follower, self._store.tables)
        held = {name: len(hot) for name, hot in self._tables.items()}
        self.counts.not_resident = sum(
            max(0, info.rows - held.get(name, 0)) for name, info in tables.items()
        )

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoreUnavailable("the tier is closed")
        return await asyncio.get_running_loop().run_in_executor(threads, work)
