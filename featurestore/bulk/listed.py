"""Rows of a store that can't be listed, for ids that are known from elsewhere."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from featurestore.batch import Lost
from featurestore.bulk.column import lengths
from featurestore.bulk.fileformat import open_source
from featurestore.bulk.source import SourceError
from featurestore.errors import StoreUnavailable
from featurestore.rows import MAX_ID_BYTES
from featurestore.store import FeatureStore
from idcolumn import IdColumn

__all__ = ["Listed", "read_ids"]

FETCHED = 1_000  # ids asked for at a time; a wrapper may split them further


class Listed:
    """Reads the rows of given ids from any `FeatureStore`, which it closes at the end.

    Parameters
    ----------
    store : FeatureStore
        Used in an event loop of its own, until the `with` block ends.
    ids : list of str
        Whose rows are read.
    features : tuple of str
        Which columns.
    timeout_s : float
        Seconds for each thousand ids.

    Attributes
    ----------
    unknown : int
        Ids so far that the store doesn't know, or has unusable values of.
    invalid : int
        Those of them that have unusable values.
    """

    def __init__(
        self, store: FeatureStore, ids: list[str], features: tuple[str, ...], timeout_s: float
    ) -> None:
        self.unknown = 0
        self.invalid = 0
        self._store = store
        self._ids = ids
        self._features = features
        self._timeout_s = timeout_s
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with self._runner as runner:
            runner.run(self._store.close())

    def scan(
        self, entity_type: str, batch: int = FETCHED
    ) -> Iterator[tuple[IdColumn, NDArray[np.float64]]]:
        """Read the rows that the store knows.

        Yields
        ------
        ids, values : IdColumn and float64[n, f]
            At most `batch` rows, and at most a thousand.

        Raises
        ------
        StoreError
            The store failed, or did not give some rows in time.
        """
        step = min(batch, FETCHED)
        for start in range(0, len(self._ids), step):
            column = IdColumn.from_list(self._ids[start : start + step])
            found, values = self._runner.run(self._fetch(entity_type, column))
            yield column.take(found), values

    async def _fetch(
        self, entity_type: str, ids: IdColumn
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        deadline = time.monotonic() + self._timeout_s
        batch = await self._store.fetch(entity_type, ids, self._features, deadline)
        lost = np.count_nonzero(batch.lost)
        if lost:
            late = (batch.lost == Lost.LATE).any()
            why = f"in {self._timeout_s:g} s" if late else "as the store failed"
            raise StoreUnavailable(f"{lost:,} of {len(ids):,} rows could not be had {why}")
        found = np.flatnonzero(batch.found)
        self.unknown += len(ids) - len(found)
        self.invalid += batch.invalid
        return found, batch.values[found]


def read_ids(name: str) -> list[str]:
    """Ids in a file, each once: the column `id` of CSV or Parquet, or the lines of a `.txt`.

    Raises
    ------
    SourceError
        The file can't be read, or a line of it is no id.
    """
    ids: dict[str, None] = {}
    for column, lines in _lines(name) if name.endswith(".txt") else _column(name):
        sizes = lengths(column)
        wrong = np.flatnonzero((sizes < 1) | (sizes > MAX_ID_BYTES))
        if len(wrong):
            raise SourceError(f"{name}:{lines[wrong[0]]}: an id has 1 to {MAX_ID_BYTES} bytes")
        ids.update(dict.fromkeys(column))
    return list(ids)


def _lines(name: str) -> Iterator[tuple[list[str], NDArray[np.int64]]]:
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{name} can't be read: {error}") from error
    column = text.removesuffix("\n").split("\n") if text else []
    yield column, np.arange(1, len(column) + 1)


def _column(name: str) -> Iterator[tuple[list[str], NDArray[np.int64]]]:
    source = open_source(name)
    if source.columns.count("id") != 1:
        raise SourceError(f"{name}: there must be one column 'id'")
    for piece in source.pieces([source.columns.index("id")]):
        if piece.broken:
            raise SourceError(f"{name}:{piece.broken[0].line}: {piece.broken[0].reason}")
        yield cast("list[str]", piece.columns[0]), piece.lines
