"""Stores without a disk: a real one in memory, and one that fails on demand."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from featurestore.batch import FeatureBatch, Lost, choose
from featurestore.errors import StoreError, StoreUnavailable
from featurestore.matrix import add_up, amounts_of, in_order, matrix, start_of
from featurestore.rows import checked_ids
from featurestore.store import FeatureStore
from featurestore.tablelist import check_same
from featurestore.tables import TableInfo
from featuretable import screen
from idcolumn import IdColumn

__all__ = ["FaultyStore", "MemoryStore"]

Rows = Mapping[str, Sequence[float]]


class MemoryStore:
    """Tables in dicts, for tests and small catalogues.

    Parameters
    ----------
    tables : mapping of str to (features, rows)
        By entity type, the names of the features and a row of floats for every id.
    """

    def __init__(self, tables: Mapping[str, tuple[tuple[str, ...], Rows]] | None = None) -> None:
        self._tables = {
            name: (features, dict(rows)) for name, (features, rows) in (tables or {}).items()
        }
        self._writing = threading.Lock()

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`."""
        late = not time.monotonic() < deadline
        if late or entity_type not in self._tables:
            lost = Lost.LATE if late else Lost.NO
            return FeatureBatch.nothing(len(ids), len(features), lost)
        names, rows = self._tables[entity_type]
        columns = choose(features, names, entity_type)
        unknown = (np.nan,) * len(names)
        wanted = ids.tolist()
        values = np.array([rows.get(id_, unknown) for id_ in wanted], float)
        values = values.reshape(len(wanted), len(names))
        found = np.array([id_ in rows for id_ in wanted], np.bool_)
        if columns is not None:
            values = values.take(columns, axis=1)
        invalid = screen(values, found)
        return FeatureBatch(values, found, invalid=invalid)

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`; memory always answers."""

    async def close(self) -> None:
        """See `FeatureStore.close`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Keep what was written: it lives as long as the store."""

    def tables(self) -> dict[str, TableInfo]:
        """See `Tables.tables`."""
        return {
            name: TableInfo(features, len(rows), 8 * len(features) * len(rows))
            for name, (features, rows) in self._tables.items()
        }

    def features(self) -> dict[str, tuple[str, ...]]:
        """See `Tables.features`."""
        return {name: features for name, (features, _) in self._tables.items()}

    def scan(
        self, entity_type: str, batch: int = 10_000
    ) -> Iterator[tuple[IdColumn, NDArray[np.float64]]]:
        """See `Tables.scan`."""
        _, rows = self._tables.get(entity_type, ((), {}))
        items = list(rows.items())
        for start in range(0, len(items), batch):
            ids, values = zip(*items[start : start + batch], strict=True)
            yield IdColumn.from_list(ids), np.array(values, float)

    def write(
        self,
        entity_type: str,
        ids: IdColumn | Sequence[str],
        features: tuple[str, ...],
        values: NDArray[np.float64],
    ) -> None:
        """See `Tables.write`; all or none."""
        column = checked_ids(entity_type, ids, features)
        checked = matrix("values", values, len(column), len(features))
        with self._writing:
            names, rows = self._table(entity_type, features)
            ordered = in_order(checked, features, names, entity_type)
            rows.update(zip(column.tolist(), ordered.tolist(), strict=True))

    def increment(
        self,
        entity_type: str,
        ids: IdColumn | Sequence[str],
        features: tuple[str, ...],
        amounts: NDArray[np.float64],
        start: Sequence[float],
    ) -> None:
        """See `Tables.increment`; all or none."""
        column = checked_ids(entity_type, ids, features)
        checked = amounts_of(amounts, len(column), len(features))
        first = start_of(start, len(features))
        column, totals = add_up(column, checked)
        with self._writing:
            names, rows = self._table(entity_type, features)
            begin = in_order(first, features, names, entity_type).tolist()
            before = [tuple(rows.get(id_, begin)) for id_ in column.tolist()]
            sums = np.array(before, float).reshape(totals.shape) + in_order(
                totals, features, names, entity_type
            )
            rows.update(zip(column.tolist(), sums.tolist(), strict=True))

    def _table(
        self, entity_type: str, features: tuple[str, ...]
    ) -> tuple[tuple[str, ...], dict[str, Sequence[float]]]:
        table = self._tables.setdefault(entity_type, (features, {}))
        check_same(features, table[0], entity_type)
        return table


class FaultyStore:
    """A store in front of another that is slow or fails, as its attributes say at the moment.

    Attributes
    ----------
    delay_s : float
        Seconds before every answer; rows are late when that goes past the deadline.
    error : StoreError or None
        Raised, after the delay, in place of an answer.
    """

    def __init__(
        self, store: FeatureStore, *, delay_s: float = 0.0, error: StoreError | None = None
    ) -> None:
        self.delay_s = delay_s
        self.error = error
        self._store = store

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`."""
        await self._suffer(deadline)
        return await self._store.fetch(entity_type, ids, features, deadline)

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`."""
        await self._suffer(deadline)
        if not time.monotonic() < deadline:
            raise StoreUnavailable("no answer in time")
        await self._store.check(deadline)

    async def close(self) -> None:
        """See `FeatureStore.close`."""
        await self._store.close()

    async def _suffer(self, deadline: float) -> None:
        await asyncio.sleep(min(self.delay_s, max(0.0, deadline - time.monotonic())))
        if self.error is not None:
            raise self.error
