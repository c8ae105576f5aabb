"""Rows of an embedded table: the key is the id in UTF-8, the value its features as float64.

Values are little-endian and packed, 8 bytes a feature.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from featurestore.batch import choose
from featurestore.environment import Database, View
from featurestore.errors import StoreCorrupt
from featurestore.journal import last_sequence
from featurestore.matrix import matrix
from featurestore.tablelist import Table, check_features, check_name, find, slot
from idcolumn import IdColumn

__all__ = [
    "Rows",
    "Slice",
    "check_storable",
    "checked_ids",
    "lookup",
    "pack",
    "put",
    "slices",
    "take_slice",
]

MAX_ID_BYTES = 511  # the longest key that LMDB takes
FLOAT = np.dtype("<f8")


@dataclass(frozen=True, slots=True)
class Rows:
    """Every feature of some ids, as one transaction saw them.

    `table` is None, and `values` has no column, when the entity type is unknown. `sequence` is the
    newest journal entry that the transaction saw.
    """

    table: Table | None
    sequence: int
    values: NDArray[np.float64]
    found: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive rows of a table in key order, as one transaction saw them."""

    table: Table | None
    sequence: int
    ids: IdColumn
    values: NDArray[np.float64]
    last: bytes


def lookup(view: View, entity_type: str, ids: IdColumn) -> Rows:
    """Read the rows of some ids."""
    sequence, table = last_sequence(view), find(view, entity_type)
    if table is None:
        nothing = np.empty((len(ids), 0))
        return Rows(None, sequence, nothing, np.zeros(len(ids), np.bool_))
    short = _storable(ids)
    if short.all():
        return Rows(table, sequence, *_get(view, entity_type, table, ids))
    values = np.full((len(ids), len(table.features)), np.nan)
    found = np.zeros(len(ids), np.bool_)
    values[short], found[short] = _get(view, entity_type, table, ids.take(np.flatnonzero(short)))
    return Rows(table, sequence, values, found)


def select(
    rows: Rows, entity_type: str, features: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values of the features asked for, NaN for an unknown table, and what was found."""
    if rows.table is None:
        values = np.full((len(rows.found), len(features)), np.nan)
        return values, rows.found
    columns = choose(features, rows.table.features, entity_type)
    values = rows.values
    return values if columns is None else values.take(columns, axis=1), rows.found


def slices(
    view: View, entity_type: str, count: int
) -> Iterable[tuple[IdColumn, NDArray[np.float64]]]:
    """Read all rows in key order, `count` at a time."""
    part = take_slice(view, entity_type, b"", count)
    while len(part.ids):
        yield part.ids, part.values
        part = take_slice(view, entity_type, part.last, count)


def take_slice(view: View, entity_type: str, after: bytes, count: int) -> Slice:
    """Read the first `count` rows whose key is greater than `after`."""
    sequence, table = last_sequence(view), find(view, entity_type)
    if table is None:
        return Slice(None, sequence, IdColumn.from_list([]), np.empty((0, 0)), after)
    items = _items(view, slot(entity_type, table.generation), after, count)
    keys = [key for key, _ in items]
    values = _unpack([value for _, value in items], table)
    return Slice(table, sequence, IdColumn.from_bytes(keys), values, keys[-1] if keys else after)


def checked_ids(
    entity_type: str, ids: IdColumn | Sequence[str], features: tuple[str, ...]
) -> IdColumn:
    """Ids of rows to be written, as a column; a ValueError when a name or an id is wrong."""
    check_name("entity_type", entity_type)
    check_features(features)
    column = ids if isinstance(ids, IdColumn) else IdColumn.from_list(ids)
    check_storable(column)
    return column


def check_storable(ids: IdColumn) -> None:
    """Raise a ValueError that names the first id that is empty or too long for a key."""
    short = _storable(ids)
    if not short.all():
        first = int(np.argmin(short))
        raise ValueError(
            f"ids[{first}] has {ids.lengths[first]} bytes of UTF-8, must have 1 to {MAX_ID_BYTES}:"
            f" {ids[first][:40]!r}"
        )


def pack(values: NDArray[np.float64], rows: int, features: int) -> list[bytes]:
    """Values [n, f] as they are stored, one bytes object a row.

    Raises
    ------
    ValueError
        The shape is not [rows, features].
    """
    packed = np.ascontiguousarray(matrix("values", values, rows, features), FLOAT)
    stored: list[bytes] = packed.view(f"V{FLOAT.itemsize * features}").ravel().tolist()
    return stored


def put(view: View, database: Database, rows: dict[bytes, bytes]) -> None:
    """Write rows in key order, appending where all of them come after the last one stored.

    Keys in order make a load of random ids several times as fast, and appending fills pages whole.
    """
    keys = sorted(rows)
    with view.txn.cursor(database) as cursor:
        append = bool(keys) and (not cursor.last() or cursor.key() < keys[0])
        cursor.putmulti(zip(keys, map(rows.__getitem__, keys), strict=True), append=append)


def _storable(ids: IdColumn) -> NDArray[np.bool_]:
    lengths = ids.lengths
    return (lengths >= 1) & (lengths <= MAX_ID_BYTES)


def _get(
    view: View, entity_type: str, table: Table, ids: IdColumn
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    database = view.database(slot(entity_type, table.generation))
    get = view.txn.get
    missing = np.full(len(table.features), np.nan, FLOAT).tobytes()
    stored = [get(key, missing, database) for key in ids.to_bytes()]
    found = np.array([value is not missing for value in stored], np.bool_)
    return _unpack(stored, table), found


def _items(view: View, database: bytes, after: bytes, count: int) -> list[tuple[bytes, bytes]]:
    with view.txn.cursor(view.database(database)) as cursor:
        there = cursor.set_range(after) if after else cursor.first()
        if there and cursor.key() == after:
            there = cursor.next()
        items: Iterator[tuple[bytes, bytes]] = cursor.iternext()
        return list(islice(items, count)) if there else []


def _unpack(stored: list[bytes], table: Table) -> NDArray[np.float64]:
    shape = len(stored), len(table.features)
    together = bytearray().join(stored)
    if len(together) != shape[0] * shape[1] * FLOAT.itemsize:
        raise StoreCorrupt(f"rows do not hold {shape[1]} values each")
    return np.frombuffer(together, FLOAT).reshape(shape)
