"""Stores without a disk: a real one in memory, and one that fails on demand."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import numpy as np

from featurestore.batch import FeatureBatch, Lost, choose, screen
from featurestore.errors import StoreError, StoreUnavailable
from featurestore.store import FeatureStore
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
        return FeatureBatch(values, found, np.zeros(len(ids), np.uint8), invalid)

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`; memory always answers."""

    async def close(self) -> None:
        """See `FeatureStore.close`."""


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
