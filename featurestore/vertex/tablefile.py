"""Tables for an emulator: rows of values, in memory or out of CSV and Parquet files."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import numpy as np

from featurestore.bulk import SourceError, open_source
from featurestore.bulk.column import numbers
from featurestore.bulk.source import Column, Piece

__all__ = ["Table", "Value", "read_table"]

ID = "id"
EMPTY_ID = "empty id: left out"
SPOILT = "a value is not finite and > 0: no service can score from it"

# As the service types them: a float is a double, an int an int64; None has never been written.
Value: TypeAlias = float | int | bool | str | None


@dataclass(frozen=True, slots=True)
class Table:
    """Names of features, and by id a value for each of them.

    Attributes
    ----------
    bad
        Rows of the file that no service can use, by reason.
    """

    features: tuple[str, ...]
    rows: dict[str, Sequence[Value]]
    bad: Counter[str] = field(default_factory=Counter)


def read_table(name: str) -> Table:
    """Read a CSV (also gzipped) or Parquet file with a column `id`; the others are features.

    Values are doubles; an empty one is absent, an unreadable one NaN. Of an id given twice the
    last row stays. Rows without an id are left out; those with a value that is not finite and > 0
    stay, as they may in the store that the table stands for.

    Raises
    ------
    SourceError
        The file can't be read, or has no `id` or no other column.
    """
    source = open_source(name)
    features = tuple(column for column in source.columns if column != ID)
    if source.columns.count(ID) != 1 or not features or len(set(features)) < len(features):
        found = ", ".join(source.columns)
        raise SourceError(f"{name}: needs one column {ID} and others, different ones; has {found}")
    wanted = [source.columns.index(column) for column in (ID, *features)]
    table = Table(features, {})
    for piece in source.pieces(wanted):
        ids = cast("list[str]", piece.columns[0])
        values = zip(*map(_values, piece.columns[1:]), strict=True)
        table.rows.update(zip(ids, values, strict=True))
        table.bad.update(_faults(piece))
    table.rows.pop("", None)
    return table


def _faults(piece: Piece) -> Iterator[str]:
    """Yield what is wrong with each bad row."""
    yield from (row.reason for row in piece.broken)
    good = np.ones(len(piece.columns[0]), bool)
    for column in piece.columns[1:]:
        value = numbers(column)
        good &= np.isfinite(value) & (value > 0)
    for id_, fine in zip(piece.columns[0], good.tolist(), strict=True):
        if not id_:
            yield EMPTY_ID
        elif not fine:
            yield SPOILT


def _values(column: Column) -> list[float | None]:
    values: list[float | None] = numbers(column).tolist()
    if isinstance(column, np.ndarray):
        return [None if value != value else value for value in values]
    return [value if text.strip() else None for text, value in zip(column, values, strict=True)]
