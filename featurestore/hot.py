"""One table's rows in memory, and the three ways they get there from the embedded store.

Rows go in only from a transaction at least as new as any that rows came from before, so that a row
read before a write never replaces what was read after it. `pour` and `refresh` hold the lock from
before their transaction until the rows are in, so theirs is always the newest; `read_through` must
not wait, and leaves its rows out when it comes too late.
"""

import threading

import numpy as np
from numpy.typing import NDArray

from featurestore.batch import choose, unusable
from featurestore.embedded import LmdbStore
from featurestore.rows import Rows
from featurestore.tablelist import Table
from featuretable import FeatureTable
from idcolumn import IdColumn

__all__ = ["HotTable"]

POURED_ROWS = 10_000  # in one transaction, some 15 ms
REFRESHED_ROWS = 1_000


class HotTable:
    """Rows of one generation of a table, up to a bound.

    Attributes
    ----------
    complete : bool
        Every row of the table is here, so that an id not found is unknown to the store.
    tainted : bool
        Some row has a value that is not a finite positive number; it is held as NaN.
    outdated_since : float or None
        Since which instant of `time.monotonic()` the store has a newer generation, if known.
    """

    def __init__(self, store: LmdbStore, entity_type: str, table: Table, max_rows: int) -> None:
        self.entity_type = entity_type
        self.table = table
        self.complete = self.tainted = False
        self.outdated_since: float | None = None
        self._store = store
        self._rows = FeatureTable(len(table.features), max_rows)
        self._wanted: tuple[str, ...] = table.features
        self._columns: NDArray[np.intp] | None = None
        self._lock = threading.Lock()
        self._newest = 0
        self._overflowed = self._abandoned = False

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the rows take."""
        return self._rows.nbytes

    def lookup(
        self, ids: IdColumn, features: tuple[str, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
        """Values [n, f], which rows are here [n], and how many; touches memory only."""
        rows: tuple[NDArray[np.float64], NDArray[np.bool_], int] = self._rows.lookup_keys(ids)
        if features is not self._wanted:  # whether they are equal takes 30 ns
            self._columns = choose(features, self.table.features, self.entity_type)
            self._wanted = features
        if self._columns is None:
            return rows
        values, found, hits = rows
        return values.take(self._columns, axis=1), found, hits

    def pour(self) -> bool:
        """Take in the whole table; False when it was replaced meanwhile or nobody wants it."""
        after = b""
        while not self._abandoned:
            with self._lock:
                part = self._store.take_slice(self.entity_type, after, POURED_ROWS)
                if part.table != self.table:
                    return False
                self._put(part.sequence, part.ids, part.values)
                poured = not len(part.ids)
                self.complete = poured and not self._overflowed
            if poured or self._overflowed:
                return True
            after = part.last
        return False

    def refresh(self, ids: IdColumn) -> int:
        """Read rows that were written; how many."""
        for start in range(0, len(ids), REFRESHED_ROWS):
            part = ids.take(np.arange(start, min(start + REFRESHED_ROWS, len(ids))))
            with self._lock:
                rows = self._store.lookup(self.entity_type, part)
                if rows.table != self.table:
                    return start
                self._put_found(rows, part)
        return len(ids)

    def read_through(self, ids: IdColumn) -> Rows:
        """Read rows that are not here, and keep them if that needs no wait and there is room."""
        rows = self._store.lookup(self.entity_type, ids)
        if rows.table == self.table and self._lock.acquire(blocking=False):
            try:
                if rows.sequence >= self._newest and len(self._rows) < self._rows.max_rows:
                    self._put_found(rows, ids)
            finally:
                self._lock.release()
        return rows

    def abandon(self) -> None:
        """Let a `pour` in another thread end soon."""
        self._abandoned = True

    def _put_found(self, rows: Rows, ids: IdColumn) -> None:
        if rows.found.all():
            self._put(rows.sequence, ids, rows.values)
        else:
            there = np.flatnonzero(rows.found)
            self._put(rows.sequence, ids.take(there), rows.values[there])

    def _put(self, sequence: int, ids: IdColumn, values: NDArray[np.float64]) -> None:
        self._newest = sequence
        bad = unusable(values)
        if bad.any():
            values = np.where(bad, np.nan, values)
            self.tainted = True
        if self._rows.upsert(ids.hashes, ids.fingerprints, values):
            self._overflowed, self.complete = True, False
