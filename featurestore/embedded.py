"""The embedded store: tables in an LMDB environment, one folder on the local disk."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from featurestore import journal, replacement, rows
from featurestore.batch import FeatureBatch, Lost
from featurestore.environment import Environment, View
from featurestore.errors import StoreCorrupt, StoreUnavailable
from featurestore.invalid import InvalidLog
from featurestore.journal import Changes
from featurestore.matrix import add_up, amounts_of, in_order, matrix, start_of
from featurestore.replacement import Replacement
from featurestore.rows import Rows, Slice
from featurestore.tablelist import (
    Table,
    check_features,
    check_format,
    check_name,
    describe,
    find,
    find_or_make,
    listing,
    open_slots,
    slot,
)
from featurestore.tables import TableInfo
from featuretable import screen
from idcolumn import IdColumn

__all__ = ["LmdbStore"]

READ_THREADS = 4

T = TypeVar("T")


class LmdbStore:
    """Tables of features on the local disk: many reading processes, one writing at a time.

    Open it once in a process, never before a fork. Synchronous methods may be called from any
    thread; `fetch`, `check` and `close` are its face as a `FeatureStore` and read in threads.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._threads = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="featurestore")
        self._invalid = InvalidLog()
        self._closed = False

    @classmethod
    def open(cls, path: Path, *, map_size_gib: float = 64, readonly: bool = False) -> Self:
        """Open the store in a folder; unless readonly, make what is missing.

        Parameters
        ----------
        path : Path
            A folder on a local disk.
        map_size_gib : float
            Upper bound of the store in GiB: address space, no memory and no disk until used.
            Processes that share a store should agree on it.
        readonly : bool
            Refuse to write.

        Raises
        ------
        StoreUnavailable
            There is no store (readonly), no permission, or the process has it open already.
        StoreCorrupt
            What lies there is not a store of this format.
        """
        if not map_size_gib > 0:
            raise ValueError(f"map_size_gib is {map_size_gib}, must be > 0")
        _check_folder(path, readonly)
        environment = Environment(path, map_size_gib, readonly)
        try:
            check_format(environment)
            if not readonly:
                replacement.drop_leftovers(environment)
        except BaseException:
            environment.close()
            raise
        return cls(environment)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._environment.path

    def write(
        self,
        entity_type: str,
        ids: IdColumn | Sequence[str],
        features: tuple[str, ...],
        values: NDArray[np.float64],
    ) -> None:
        """Insert or overwrite rows, all or none; they are on disk when this returns.

        Parameters
        ----------
        entity_type : str
            The table, made when it is unknown.
        ids : IdColumn or sequence of str
            n ids of 1 to 511 bytes of UTF-8; of an id given twice the last row stays.
        features : tuple of str
            The table's features, all of them, in any order.
        values : float64[n, f]
            One column for each of `features`.

        Raises
        ------
        ValueError
            A name, an id or the shape is wrong.
        FeaturesDiffer
            The table has other features.
        StoreFull, StoreUnavailable
            Nothing was written.
        """
        column = rows.checked_ids(entity_type, ids, features)
        checked = matrix("values", values, len(column), len(features))
        with self._environment.writing() as view:
            table, new = find_or_make(view, entity_type, features)
            ordered = in_order(checked, features, table.features, entity_type)
            _put(view, entity_type, table, new, column, ordered)

    def increment(
        self,
        entity_type: str,
        ids: IdColumn | Sequence[str],
        features: tuple[str, ...],
        amounts: NDArray[np.float64],
        start: Sequence[float],
    ) -> None:
        """Add to rows, all or none in one transaction; the sums are on disk when this returns.

        A sum that float64 can't hold becomes infinite, and such a row is read as missing.

        Parameters
        ----------
        entity_type : str
            The table, made when it is unknown.
        ids : IdColumn or sequence of str
            n ids of 1 to 511 bytes of UTF-8; the amounts of an id given twice add up.
        features : tuple of str
            The table's features, all of them, in any order.
        amounts : float64[n, f]
            What is added, finite; one column for each of `features`.
        start : sequence of f floats
            What a row that is not there yet begins with, such as the prior.

        Raises
        ------
        ValueError
            A name, an id, a number or a shape is wrong.
        FeaturesDiffer
            The table has other features.
        StoreFull, StoreUnavailable
            Nothing was added.
        """
        column = rows.checked_ids(entity_type, ids, features)
        checked = amounts_of(amounts, len(column), len(features))
        first = start_of(start, len(features))
        column, totals = add_up(column, checked)
        with self._environment.writing() as view:
            table, new = find_or_make(view, entity_type, features)
            totals, first = (
                in_order(part, features, table.features, entity_type) for part in (totals, first)
            )
            known = rows.lookup(view, entity_type, column)
            with np.errstate(over="ignore"):
                sums = np.where(known.found[:, None], known.values, first) + totals
            _put(view, entity_type, table, new, column, sums)

    def replacing(
        self, entity_type: str, features: tuple[str, ...]
    ) -> AbstractContextManager[Replacement]:
        """Load a table anew: `with store.replacing(...) as load: load.write(ids, values)`.

        Readers see the old table until the block ends and all of the new one after that. When the
        block raises, or the process dies in it, the old table stays. Rows that `write` puts into
        the old table meanwhile go with it.

        Raises
        ------
        ValueError
            A name is wrong.
        StoreBusy
            Another load is at work in this store.
        StoreFull, StoreUnavailable
            The rows can't be written; the old table stays.
        """
        check_name("entity_type", entity_type)
        check_features(features)
        return replacement.replacing(self._environment, entity_type, features)

    def read(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Read rows as stored: values float64[n, f], NaN where not found, and found bool[n].

        Raises
        ------
        UnknownFeature
            The table is known and lacks a feature.
        """
        return rows.select(self.lookup(entity_type, ids), entity_type, features)

    def lookup(self, entity_type: str, ids: IdColumn) -> Rows:
        """Read every feature of some ids in one transaction."""
        return self._environment.read(lambda view: rows.lookup(view, entity_type, ids))

    def take_slice(self, entity_type: str, after: bytes, count: int) -> Slice:
        """Read `count` rows in key order in one short transaction, from the first key > `after`."""
        return self._environment.read(lambda view: rows.take_slice(view, entity_type, after, count))

    def scan(
        self, entity_type: str, batch: int = 10_000
    ) -> Iterator[tuple[IdColumn, NDArray[np.float64]]]:
        """All rows in the order of the ids' bytes, as they were when the scan began.

        Yields
        ------
        ids, values : IdColumn and float64[n, f]
            At most `batch` rows. The space of rows replaced meanwhile is not used again before the
            scan ends.
        """
        if self._environment.read(lambda view: open_slots(view, entity_type)):
            with self._environment.snapshot() as view:
                yield from rows.slices(view, entity_type, batch)

    def table(self, entity_type: str) -> Table | None:
        """Features and generation of a table, None when it is unknown."""
        return self._environment.read(lambda view: find(view, entity_type))

    def tables(self) -> dict[str, TableInfo]:
        """Every table, by entity type."""
        return self._environment.read(describe)

    def features(self) -> dict[str, tuple[str, ...]]:
        """Features of every table, by entity type."""
        tables = self._environment.read(listing)
        return {entity_type: table.features for entity_type, table in tables.items()}

    def changes(self, since: int) -> Changes:
        """Tell what was written after number `since`, which is 0 or an earlier `Changes.last`.

        Costs microseconds when nothing was. A reader that is so far behind that the journal no
        longer reaches back is told to read every table anew.
        """
        return self._environment.read(lambda view: journal.changes(view, since))

    def sequence(self) -> int:
        """Tell the newest sequence number."""
        return self._environment.read(journal.last_sequence)

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`."""
        found_rows = await self.lookup_until(deadline, entity_type, ids)
        if found_rows is None:
            return FeatureBatch.nothing(len(ids), len(features), Lost.LATE)
        values, found = rows.select(found_rows, entity_type, features)
        invalid = screen(values, found)
        self._invalid.note(entity_type, invalid)
        return FeatureBatch(values, found, invalid=invalid)

    async def lookup_until(self, deadline: float, entity_type: str, ids: IdColumn) -> Rows | None:
        """`lookup` in a thread; None when it does not end until `deadline`."""
        return await self.until(deadline, lambda: self.lookup(entity_type, ids))

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`."""
        if await self.until(deadline, self._answer) is None:
            raise StoreUnavailable(f"store {self.path}: no answer in time")

    def _answer(self) -> int:
        self._environment.check_same()
        return self.sequence()

    async def close(self) -> None:
        """See `FeatureStore.close`."""
        closed, self._closed = self._closed, True
        if not closed:
            await asyncio.to_thread(self._shut)

    def shut(self) -> None:
        """Close from synchronous code, after reads under way have ended."""
        closed, self._closed = self._closed, True
        if not closed:
            self._shut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.shut()

    def _shut(self) -> None:
        self._threads.shutdown()
        self._environment.close()

    async def until(self, deadline: float, work: Callable[[], T]) -> T | None:
        """Run `work` in a thread; None when it does not end until `deadline`."""
        left = deadline - time.monotonic()
        if self._closed:
            raise StoreUnavailable(f"store {self.path}: closed")
        if not left > 0:
            return None

        def unless_late() -> T | None:
            return work() if time.monotonic() < deadline else None

        future = asyncio.get_running_loop().run_in_executor(self._threads, unless_late)
        try:
            # not asyncio.timeout, which only a task can use
            await asyncio.wait({future}, timeout=left)
            return future.result() if future.done() else None
        finally:
            future.cancel()


def _put(
    view: View,
    entity_type: str,
    table: Table,
    new: bool,
    ids: IdColumn,
    values: NDArray[np.float64],
) -> None:
    """Put rows into a table and tell those that follow it."""
    stored = rows.pack(values, len(ids), len(table.features))
    database = view.database(slot(entity_type, table.generation))
    rows.put(view, database, dict(zip(ids.to_bytes(), stored, strict=True)))
    if new:
        journal.record_replaced(view, entity_type)
    elif len(ids):
        journal.record_written(view, entity_type, ids)


def _check_folder(path: Path, readonly: bool) -> None:
    if path.exists() and not path.is_dir():
        raise StoreUnavailable(f"store {path}: is not a folder")
    data = path / "data.mdb"
    if readonly and not data.exists():
        raise StoreUnavailable(f"store {path}: does not exist; a load makes it")
    if data.exists() and data.stat().st_size == 0:
        raise StoreCorrupt(f"store {path}: data.mdb is empty; remove it to begin a new store")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"store {path}: {error}") from error
