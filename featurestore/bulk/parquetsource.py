"""Rows of a Parquet file, through the optional pyarrow."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from featurestore.bulk.source import Column, Piece, SourceError

__all__ = ["ParquetSource", "import_pyarrow"]

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

ROWS = 8_192
_MISSING = "Parquet needs the package pyarrow: pip install 'bandit-serve[parquet]'"


class ParquetSource:
    """A Parquet file, read a few thousand rows at a time.

    A column of integers, decimals or booleans is read as float64, a column of text as text. The
    first wanted column is the ids': integers there become their decimal text.

    Raises
    ------
    SourceError
        When pyarrow is not installed or the file is not Parquet.
    """

    rewindable = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.position = 0
        with _opened(name) as parquet:
            self.size = Path(name).stat().st_size
            self.columns = tuple(parquet.schema_arrow.names)

    def close(self) -> None:
        """Do nothing: the file is open only while it is read."""

    def pieces(self, wanted: Sequence[int]) -> Iterator[Piece]:
        """Read the columns at these positions from the first row to the last."""
        names = [self.columns[i] for i in wanted]
        with _opened(self.name) as parquet:
            done, rows = 0, parquet.metadata.num_rows
            for batch in parquet.iter_batches(ROWS, columns=names):
                lines = np.arange(done + 1, done + len(batch) + 1, dtype=np.int64)
                ids, *others = (self._arrow(batch, name) for name in names)
                columns = (self._ids(ids, names[0]), *map(self._column, others, names[1:]))
                yield Piece(columns, lines, [])
                done += len(batch)
                self.position = self.size * done // rows
        self.position = self.size

    def _arrow(self, batch: "pyarrow.RecordBatch", name: str) -> "pyarrow.Array":
        column = batch.column(name)
        return column.dictionary_decode() if hasattr(column, "dictionary_decode") else column

    def _ids(self, column: "pyarrow.Array", name: str) -> list[str]:
        types = import_pyarrow().types
        if not (_is_text(column.type) or types.is_integer(column.type)):
            raise self._mistyped(name, column, "text or integers")
        return _text(column)

    def _column(self, column: "pyarrow.Array", name: str) -> Column:
        pyarrow = import_pyarrow()
        if _is_text(column.type):
            return _text(column)
        if pyarrow.types.is_boolean(column.type):
            column = column.cast(pyarrow.int8())
        elif not _is_number(column.type):
            raise self._mistyped(name, column, "numbers")
        numbers = column.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False)
        return np.asarray(numbers, dtype=np.float64)

    def _mistyped(self, name: str, column: "pyarrow.Array", needed: str) -> SourceError:
        return SourceError(f"{self.name}: column {name} is of type {column.type}, not {needed}")


def _is_number(arrow_type: "pyarrow.DataType") -> bool:
    types = import_pyarrow().types
    tests = (types.is_integer, types.is_floating, types.is_decimal)
    return any(test(arrow_type) for test in tests)


def _is_text(arrow_type: "pyarrow.DataType") -> bool:
    types = import_pyarrow().types
    tests = (types.is_string, types.is_large_string, types.is_string_view)
    binary = (types.is_binary, types.is_large_binary, types.is_null)
    return any(test(arrow_type) for test in tests + binary)


def _text(column: "pyarrow.Array") -> list[str]:
    """Each value as text, a null as the empty one, bytes that are not UTF-8 as lone surrogates."""
    pyarrow = import_pyarrow()
    text: list[str]
    try:
        text = column.cast(pyarrow.large_string()).fill_null("").to_pylist()
    except (pyarrow.ArrowInvalid, UnicodeDecodeError):
        raw = column.cast(pyarrow.large_binary()).fill_null(b"").to_pylist()
        text = [value.decode(errors="surrogateescape") for value in raw]
    return text


def import_pyarrow() -> ModuleType:
    """Import pyarrow with its Parquet part, or raise a SourceError that says how to get it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise SourceError(_MISSING) from error
    module: ModuleType = pyarrow
    return module


@contextmanager
def _opened(name: str) -> "Iterator[pyarrow.parquet.ParquetFile]":
    pyarrow = import_pyarrow()
    try:
        with pyarrow.parquet.ParquetFile(name) as parquet:
            yield parquet
    except (OSError, pyarrow.ArrowException) as error:
        raise SourceError(f"{name} can't be read: {error}") from error
