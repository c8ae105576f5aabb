"""Redis in the request path."""

import logging
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from featurestore.batch import FeatureBatch, Lost, choose
from featurestore.errors import StoreError
from featurestore.invalid import InvalidLog
from featurestore.redis.cluster import Cluster
from featurestore.redis.layout import row_prefix, storable, tables_key
from featurestore.redis.link import Access
from featurestore.redis.protocol import LATE, Outcome
from featurestore.redis.schema import Features, Schema
from featurestore.redis.servers import Part, Servers, Single
from featurestore.redis.settings import RedisSettings
from featurestore.redis.translation import anew
from featuretable import RowReader, screen, unpack
from idcolumn import IdColumn

__all__ = ["RedisStore"]

logger = logging.getLogger("bandit_serve.featurestore")


class RedisStore:
    """Tables of features in Redis or Valkey, a server or a cluster, as a `FeatureStore`.

    It connects when it is first used, in the event loop of that use, and anew when connections are
    lost. Fetches share connections: each is one request to each server that it concerns.

    Parameters
    ----------
    settings : RedisSettings
        How the servers are reached.

    Raises
    ------
    ValueError
        A setting is wrong, or a file of the TLS settings can't be used; all problems are told.
    """

    def __init__(self, settings: RedisSettings) -> None:
        settings.check()
        access = Access(settings, settings.tls())
        self._servers: Servers = Cluster(access) if settings.cluster else Single(access)
        self._prefix = settings.prefix
        # Twice, since a connection may have to be given up first.
        self._schema = Schema(self._record, 2 * settings.stall_s)
        self._invalid = InvalidLog()
        self._misfits: set[str] = set()

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`; of a part of a cluster that is down, the rows are lost."""
        count, width = len(ids), len(features)
        if not time.monotonic() < deadline:
            return FeatureBatch.nothing(count, width, Lost.LATE)
        if not storable(entity_type):
            return FeatureBatch.nothing(count, width)
        table: Outcome = self._schema.known(entity_type)
        if table != features:
            table = await self._table(entity_type, features, deadline)
        if table is None or not isinstance(table, tuple):
            return FeatureBatch.nothing(count, width, Lost.NO if table is None else Lost.LATE)
        if not count:
            choose(features, table, entity_type)
            return FeatureBatch.nothing(0, width)
        prefix = row_prefix(self._prefix, entity_type)
        parts = await self._servers.read(prefix, ids, len(table), deadline)
        rows = _assemble(parts, count, table)
        if rows.misfits:
            rows = await self._fitted(rows, parts, entity_type, deadline)
        return self._batch(rows, entity_type, features)

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`; in a cluster every primary has to answer."""
        await self._servers.check(deadline)

    async def close(self) -> None:
        """See `FeatureStore.close`."""
        await self._schema.close()
        await self._servers.close()

    async def _record(self, entity_type: str, deadline: float) -> Outcome:
        return await self._servers.field(tables_key(self._prefix), entity_type.encode(), deadline)

    async def _table(self, entity_type: str, wanted: Features, deadline: float) -> Outcome:
        table = await self._schema.features(entity_type, deadline)
        if isinstance(table, tuple) and not set(wanted) <= set(table):
            return await self._schema.features(entity_type, deadline, suspect=True)
        return table

    async def _fitted(
        self, rows: "_Rows", parts: list[Part], entity_type: str, deadline: float
    ) -> "_Rows":
        """Read what came again, should the table have other features by now."""
        table = await self._schema.features(entity_type, deadline, suspect=True)
        if isinstance(table, tuple) and table != rows.table:
            rows = _assemble(parts, len(rows.found), table)
        if rows.misfits and entity_type not in self._misfits:
            self._misfits.add(entity_type)
            logger.warning(
                "%r: values that are not %d float64 count as missing", entity_type, len(rows.table)
            )
        return rows

    def _batch(self, rows: "_Rows", entity_type: str, features: tuple[str, ...]) -> FeatureBatch:
        columns = choose(features, rows.table, entity_type)
        values = rows.values if columns is None else rows.values.take(columns, axis=1)
        invalid = screen(values, rows.found)
        self._invalid.note(entity_type, invalid)
        return FeatureBatch(values, rows.found, rows.lost, invalid + rows.misfits)


@dataclass(slots=True)
class _Rows:
    """Rows with every feature of their table."""

    table: Features
    values: NDArray[np.float64]
    found: NDArray[np.bool_]
    lost: NDArray[np.uint8]
    misfits: int


def _assemble(parts: list[Part], count: int, table: Features) -> _Rows:
    """Put parts together; what failed is marked, or raised when nothing else came."""
    failures = [part.outcome for part in parts if isinstance(part.outcome, StoreError)]
    if len(failures) == len(parts):
        raise anew(failures[0])
    width = len(table)
    if len(parts) == 1 and isinstance(parts[0].outcome, RowReader):
        reader = parts[0].outcome
        return _Rows(table, reader.values, reader.found, np.zeros(count, np.uint8), 0)
    nothing = FeatureBatch.nothing(count, width)
    rows = _Rows(table, nothing.values, nothing.found, nothing.lost, 0)
    for part in parts:
        _fill(rows, part)
    return rows


def _fill(rows: _Rows, part: Part) -> None:
    where = slice(None) if part.rows is None else part.rows
    if isinstance(part.outcome, list):
        rows.values[where], rows.found[where], misfits = unpack(part.outcome, len(rows.table))
        rows.misfits += misfits
    else:
        rows.lost[where] = Lost.LATE if part.outcome is LATE else Lost.FAILED
