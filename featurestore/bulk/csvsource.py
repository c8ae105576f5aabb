"""Rows of a CSV file."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from featurestore.bulk.records import Block, blocks
from featurestore.bulk.source import BadRow, Piece, SourceError

__all__ = ["CsvSource"]

STDIN = "-"


class CsvSource:
    """A CSV file with a header line, gzipped when its name ends in `.gz`; `-` is standard input.

    Bytes that are not UTF-8 become lone surrogates, which no id may hold.

    Raises
    ------
    SourceError
        When the file can't be opened or has no header.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.position = 0
        with _translated(name):
            self.rewindable = name != STDIN and Path(name).is_file()
            self.size = Path(name).stat().st_size if self.rewindable else 0
            self.columns = self._begin()
        if self.rewindable:
            self.close()

    def close(self) -> None:
        """Close the file; reading it again opens it again."""
        self._text.close()
        self._file.close()

    def pieces(self, wanted: Sequence[int]) -> Iterator[Piece]:
        """Read the columns at these positions from the first row to the last."""
        with _translated(self.name):
            if self._file.closed:
                self._begin()
            with closing(self):
                for block in self._blocks:
                    yield self._piece(block, wanted)
                    self.position = self._file.tell() if self.size else 0
        self.position = self.size

    def _begin(self) -> tuple[str, ...]:
        """Open the file and read the names of its columns."""
        self._file = sys.stdin.buffer if self.name == STDIN else Path(self.name).open("rb")  # noqa: SIM115
        self._text = _text(self._file, self.name.endswith(".gz"))
        try:
            self._blocks = blocks(self._text)
            return self._header()
        except BaseException:
            self.close()
            raise

    def _header(self) -> tuple[str, ...]:
        first = next((block for block in self._blocks if block.rows or block.broken), None)
        if first is None:
            raise SourceError(f"{self.name} is empty: it needs a first line that names the columns")
        if first.broken and first.broken[0][0] < min(first.lines, default=sys.maxsize):
            line, reason = first.broken[0]
            raise SourceError(f"{self.name} names no columns: line {line}: {reason}")
        self._blocks = chain([first], self._blocks)
        del first.lines[0]
        return tuple(name.strip() for name in first.rows.pop(0))

    def _piece(self, block: Block, wanted: Sequence[int]) -> Piece:
        broken = [BadRow(self.name, line, "", "", reason) for line, reason in block.broken]
        rows, lines = block.rows, np.array(block.lines, dtype=np.int64)
        if not {len(self.columns)}.issuperset(map(len, rows)):
            whole = [len(row) == len(self.columns) for row in rows]
            pairs = zip(rows, block.lines, strict=True)
            broken += [
                self._misshapen(*pair) for pair, ok in zip(pairs, whole, strict=True) if not ok
            ]
            rows = [row for row, ok in zip(rows, whole, strict=True) if ok]
            lines = lines[whole]
        return Piece(tuple([row[i] for row in rows] for i in wanted), lines, broken)

    def _misshapen(self, row: list[str], line: int) -> BadRow:
        value = f"{len(row)}, not {len(self.columns)}"
        return BadRow(self.name, line, "", value, "wrong number of columns")


def _text(file: BinaryIO, gzipped: bool) -> io.TextIOWrapper:
    """Decode as UTF-8, with or without a byte order mark."""
    binary = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if gzipped else file
    return io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="")


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{name} can't be read: {error}") from error
