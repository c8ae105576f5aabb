"""Tables for an emulator: rows of values, in memory or out of CSV and Parquet files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np

from featurestore.bulk import SourceError, open_source
from featurestore.bulk.column import numbers
from featurestore.bulk.source import Column

__all__ = ["Table", "Value", "read_table"]

ID = "id"

# As the service types them: a float is a double, an int an int64; None has never been written.
Value: TypeAlias = float | int | bool | str | None


@dataclass(frozen=True, slots=True)
class Table:
    """Names of features, and by id a value for each of them."""

    features: tuple[str, ...]
    rows: dict[str, Sequence[Value]]


def read_table(name: str) -> Table:
    """Read a CSV (also gzipped) or Parquet file with a column `id`; the others are features.

    Values are doubles; an empty one is absent, an unreadable one NaN. Of an id given twice the
    last row stays.

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
    rows: dict[str, Sequence[Value]] = {}
    for piece in source.pieces(wanted):
        ids = cast("list[str]", piece.columns[0])
        rows.update(zip(ids, zip(*map(_values, piece.columns[1:]), strict=True), strict=True))
    return Table(features, rows)


def _values(column: Column) -> list[float | None]:
    values: list[float | None] = numbers(column).tolist()
    if isinstance(column, np.ndarray):
        return [None if value != value else value for value in values]
    return [value if text.strip() else None for text, value in zip(column, values, strict=True)]
