"""Redis as loaders see it."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from featurestore.errors import StoreCorrupt, StoreError, StoreUnavailable
from featurestore.matrix import add_up, amounts_of, in_order, matrix, start_of
from featurestore.redis.clients import CLOSED, Call, Client, Clients, connected
from featurestore.redis.increments import MISFIT, increments
from featurestore.redis.layout import (
    check_entity_type,
    decode_features,
    encode_features,
    row_prefix,
    storable,
    tables_key,
)
from featurestore.redis.settings import RedisSettings
from featurestore.rows import checked_ids, pack
from featurestore.tablelist import check_same
from featurestore.tables import TableInfo
from featuretable import unpack
from idcolumn import IdColumn

__all__ = ["RedisTables"]

logger = logging.getLogger("bandit_serve.featurestore")

CALLS_TOGETHER = 1_000
KEYS_OF_A_SCAN = 1_000
KEYS_WEIGHED = 20


class RedisTables:
    """Tables in Redis or Valkey, listed and written by synchronous calls; see `Tables`.

    Nothing is sent twice: what a lost connection leaves open is the caller's to decide. A `write`
    can be repeated, an `increment` can not.

    Parameters
    ----------
    settings : RedisSettings
        How the servers are reached; a cluster is asked for its nodes at once.

    Raises
    ------
    ValueError
        A setting is wrong; all problems are told.
    StoreUnavailable
        No node of the cluster answers.
    """

    def __init__(self, settings: RedisSettings) -> None:
        settings.check()
        self._settings = settings
        self._clients: Clients = connected(settings)
        self._key = tables_key(settings.prefix)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._clients.close()
        self._clients = CLOSED

    def tables(self) -> dict[str, TableInfo]:
        """See `Tables.tables`; rows are counted, bytes estimated from a few rows of each node."""
        rows: dict[bytes, int] = defaultdict(int)
        size: dict[bytes, float] = defaultdict(float)
        for counted in self._clients.each(self._census):
            for entity_type, (count, weight) in counted.items():
                rows[entity_type] += count
                size[entity_type] += count * weight
        return {
            name: TableInfo(features, rows[name.encode()], round(size[name.encode()]))
            for name, features in self.features().items()
        }

    def features(self) -> dict[str, tuple[str, ...]]:
        """See `Tables.features`."""
        (flat,) = self._clients.run([(self._key, ("HGETALL", self._key))])
        listed = sorted(_pairs(flat).items())
        return {name.decode(): decode_features(record) for name, record in listed}

    def scan(
        self, entity_type: str, batch: int = 10_000
    ) -> Iterator[tuple[IdColumn, NDArray[np.float64]]]:
        """See `Tables.scan`; in no order, and each id once, which takes about 100 bytes a row.

        Rows written, or deleted, while the scan is at work may be in it or not; a table that is
        gone at its end, as after a FLUSHALL, is StoreUnavailable. Values of another length than the
        table's are left out.
        """
        features = self._known(entity_type) if storable(entity_type) else None
        if features is None:
            return
        prefix = row_prefix(self._settings.prefix, entity_type)
        seen: set[bytes] = set()
        waiting: list[bytes] = []
        for page in self._pages(prefix):
            fresh = set(page) - seen
            seen |= fresh
            waiting += fresh
            while len(waiting) >= batch:
                yield self._rows(entity_type, prefix, waiting[:batch], len(features))
                del waiting[:batch]
        if waiting:
            yield self._rows(entity_type, prefix, waiting, len(features))
        if self._known(entity_type) is None:
            raise StoreUnavailable(f"the table {entity_type!r} was removed while it was read")

    def write(
        self,
        entity_type: str,
        ids: IdColumn | Sequence[str],
        features: tuple[str, ...],
        values: NDArray[np.float64],
    ) -> None:
        """See `Tables.write`; after a StoreError some rows may have been written."""
        column = _checked(entity_type, ids, features)
        checked = matrix("values", values, len(column), len(features))
        ordered = in_order(checked, features, self._table(entity_type, features), entity_type)
        prefix = row_prefix(self._settings.prefix, entity_type)
        stored = pack(ordered, len(column), len(features))
        last = dict(zip(column.to_bytes(), stored, strict=True))
        calls = [(prefix + id_, ("SET", prefix + id_, row)) for id_, row in last.items()]
        for start in range(0, len(calls), CALLS_TOGETHER):
            self._clients.run(calls[start : start + CALLS_TOGETHER])

    def increment(
        self,
        entity_type: str,
        ids: IdColumn | Sequence[str],
        features: tuple[str, ...],
        amounts: NDArray[np.float64],
        start: Sequence[float],
    ) -> None:
        """See `Tables.increment`.

        Rows are added to by scripts, 500 at a time, in a cluster those of one slot. Each script
        changes all of its rows or none; after a StoreError, others may have changed theirs.

        Raises
        ------
        StoreCorrupt
            A stored value has another length than the table's rows; the error names its id.
        """
        column = _checked(entity_type, ids, features)
        checked = amounts_of(amounts, len(column), len(features))
        first = start_of(start, len(features))
        column, totals = add_up(column, checked)
        table = self._table(entity_type, features)
        totals, first = (in_order(part, features, table, entity_type) for part in (totals, first))
        prefix = row_prefix(self._settings.prefix, entity_type)
        calls = increments(prefix, column, totals, first, self._settings.cluster)
        self._add(prefix, list(calls))

    def _add(self, prefix: bytes, calls: list[Call]) -> None:
        # One script after the other leaves gaps for readers; those of a cluster are small.
        together = CALLS_TOGETHER if self._settings.cluster else 1
        for first in range(0, len(calls), together):
            try:
                self._clients.run(calls[first : first + together])
            except StoreError as error:
                raise _misfit(error, prefix) or error from error

    def _table(self, entity_type: str, features: tuple[str, ...]) -> tuple[str, ...]:
        """Features of the table, which is made if there is none; FeaturesDiffer if others."""
        name, record = entity_type.encode(), encode_features(features)
        (_, there) = self._clients.run(
            [
                (self._key, ("HSETNX", self._key, name, record)),
                (self._key, ("HGET", self._key, name)),
            ]
        )
        table = decode_features(there)
        check_same(features, table, entity_type)
        return table

    def _known(self, entity_type: str) -> tuple[str, ...] | None:
        key = self._key
        (record,) = self._clients.run([(key, ("HGET", key, entity_type.encode()))])
        return None if record is None else decode_features(record)

    def _pages(self, prefix: bytes) -> Iterator[list[bytes]]:
        """Ids of the keys that start with the prefix, page by page, some perhaps twice."""
        for page in self._clients.each(lambda client: _keys(client, prefix)):
            yield [key[len(prefix) :] for key in page]

    def _rows(
        self, entity_type: str, prefix: bytes, ids: list[bytes], features: int
    ) -> tuple[IdColumn, NDArray[np.float64]]:
        stored = self._clients.run([(prefix + id_, ("GET", prefix + id_)) for id_ in ids])
        values, there, misfits = unpack(stored, features)
        if misfits:
            logger.warning("%r: %d values are not %d float64", entity_type, misfits, features)
        try:
            column = IdColumn.from_bytes(ids)
        except ValueError as error:
            raise StoreCorrupt(f"{entity_type!r}: {error}") from error
        if there.all():
            return column, values
        return column.take(np.flatnonzero(there)), values[there]

    def _census(self, client: Client) -> Iterator[dict[bytes, tuple[int, float]]]:
        """Rows of each entity type on one server, and bytes of a row."""
        prefix = f"{self._settings.prefix}:".encode()
        counts: dict[bytes, int] = defaultdict(int)
        samples: dict[bytes, list[bytes]] = defaultdict(list)
        for page in _keys(client, prefix):
            for key in page:
                entity_type, colon, _ = key[len(prefix) :].partition(b":")
                if colon:
                    counts[entity_type] += 1
                    if counts[entity_type] <= KEYS_WEIGHED:
                        samples[entity_type].append(key)
        yield {name: (n, _weight(client, samples[name])) for name, n in counts.items()}


def _checked(
    entity_type: str, ids: IdColumn | Sequence[str], features: tuple[str, ...]
) -> IdColumn:
    check_entity_type(entity_type)
    return checked_ids(entity_type, ids, features)


def _pairs(flat: Any) -> dict[bytes, bytes]:
    if isinstance(flat, dict):
        return flat
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _keys(client: Client, prefix: bytes) -> Iterator[list[bytes]]:
    """Keys of one server that start with a prefix, page by page."""
    pattern = b"".join(b"\\" + c if c in b"*?[]^-\\" else c for c in _bytes(prefix)) + b"*"
    cursor = 0
    while True:
        cursor, page = client.scan(cursor, match=pattern, count=KEYS_OF_A_SCAN, _type="string")
        yield page
        if not cursor:
            return


def _bytes(text: bytes) -> list[bytes]:
    return [text[i : i + 1] for i in range(len(text))]


def _weight(client: Client, keys: list[bytes]) -> float:
    """Bytes that a key and its value take, on average of those still there."""
    sizes = [size for key in keys if (size := client.memory_usage(key)) is not None]
    return sum(sizes) / len(sizes) if sizes else 0.0


def _misfit(error: StoreError, prefix: bytes) -> StoreCorrupt | None:
    said = str(error.__cause__)
    if MISFIT not in said:
        return None
    size, _, key = said.partition(MISFIT + " ")[2].partition(" ")
    return StoreCorrupt(f"the row of {key[len(prefix.decode()) :]!r} has {size} bytes")
