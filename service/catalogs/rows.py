"""The rows that a catalogue is made from: a table of the store, or a file."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import compress
from typing import cast

import numpy as np
from numpy.typing import NDArray

from featurestore import StoreError
from featurestore.bulk import Source, SourceError, open_source
from featurestore.bulk.column import lengths, numbers
from featurestore.bulk.source import readable
from featurestore.rows import MAX_ID_BYTES
from idcolumn import IdColumn
from service.catalogs.settings import CatalogSettings
from service.config import Settings
from service.stores.choice import StoreChoice
from service.stores.opening import name_of, open_tables, rows_of

__all__ = ["Rows", "file_problem", "read_rows", "table_problem"]

BATCH = 50_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some consecutive rows.

    Attributes
    ----------
    ids : IdColumn
        n ids as they are in the store, with what the model's template puts around a candidate.
    values : float64[n, 2]
        alpha and beta as they were found, fit or not.
    tags : float64[n] or None
        The tags' bits as they were found; None where no tags are declared.
    broken : int
        Rows of the same stretch that have no id.
    share : float or None
        Of all rows, those read so far; None where nobody knows how many there are.
    """

    ids: IdColumn
    values: Floats
    tags: Floats | None
    broken: int
    share: float | None


def read_rows(settings: Settings, catalog: CatalogSettings) -> Iterator[Rows]:
    """Read all rows of a catalogue, from the first to the last.

    Raises
    ------
    StoreError, SourceError
        The store or the file can't be read, or has not the columns that are needed.
    """
    return _of_file(catalog) if catalog.path else _of_table(settings, catalog)


def table_problem(
    catalog: CatalogSettings, tables: Mapping[str, tuple[str, ...]], place: str
) -> str:
    """Say why the tables of a store, by name their features, make no catalogue; empty if they do.

    `place` is what the store is called.
    """
    name = catalog.model.entity_type
    features = tables.get(name)
    if features is None:
        return f"{place} has no table {name!r}; a load makes it"
    lacking = [column for column in _columns(catalog) if column not in features]
    return f"the table {name!r} has {list(features)}, but not {lacking[0]!r}" if lacking else ""


def file_problem(catalog: CatalogSettings) -> str:
    """Say why a catalogue's file makes none, as far as its head tells; empty if it does."""
    try:
        with closing(open_source(catalog.path)) as source:
            _places(source, ("id", *_columns(catalog)))
    except SourceError as error:
        return str(error)
    return ""


def _columns(catalog: CatalogSettings) -> tuple[str, ...]:
    return (*catalog.model.features, *([catalog.tag_feature] if catalog.tags else []))


def _of_table(settings: Settings, catalog: CatalogSettings) -> Iterator[Rows]:
    entity_type, done = catalog.model.entity_type, 0
    with open_tables(settings) as store:
        tables = store.features()
        problem = table_problem(catalog, tables, name_of(settings, StoreChoice()))
        if problem:
            raise StoreError(problem)
        wanted = [tables[entity_type].index(name) for name in _columns(catalog)]
        total = rows_of(store, entity_type)
        for ids, values in store.scan(entity_type, BATCH):
            done += len(ids)
            share = min(done / total, 1.0) if total else None
            yield _rows(ids, values[:, wanted], 0, share)


def _of_file(catalog: CatalogSettings) -> Iterator[Rows]:
    source = open_source(catalog.path)
    with closing(source):
        for piece in source.pieces(_places(source, ("id", *_columns(catalog)))):
            ids = cast("list[str]", piece.columns[0])
            sizes = lengths(ids)
            usable = (sizes >= 1) & (sizes <= MAX_ID_BYTES)
            values = np.column_stack([numbers(column) for column in piece.columns[1:]])
            broken = len(piece.broken) + int(np.count_nonzero(~usable))
            share = source.position / source.size if source.size else None
            column = IdColumn.from_list(list(compress(ids, usable.tolist())))
            yield _rows(column, values[usable], broken, share)


def _places(source: Source, names: tuple[str, ...]) -> list[int]:
    for name in names:
        if source.columns.count(name) != 1:
            found = ", ".join(repr(readable(column)) for column in source.columns[:50])
            raise SourceError(f"{source.name}: there must be one column {name!r}; found {found}")
    return [source.columns.index(name) for name in names]


def _rows(ids: IdColumn, columns: Floats, broken: int, share: float | None) -> Rows:
    tags = columns[:, 2] if columns.shape[1] > 2 else None
    return Rows(ids, np.ascontiguousarray(columns[:, :2]), tags, broken, share)
