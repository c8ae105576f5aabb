"""Files of rows: what a reader of one hands to the loader."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BadRow", "Column", "Piece", "Source", "SourceError", "readable"]

# Text as it stood in the file, or numbers where the file has numbers (NaN for a null).
Column: TypeAlias = list[str] | NDArray[np.float64]


MAX_SHOWN = 200  # characters of a bad value that are reported


class SourceError(Exception):
    """A file can't be read as the rows that are asked for; the message says which and why."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is left out, and why.

    Attributes
    ----------
    file
        The file as it was named.
    line
        The 1-based line on which the row begins; in Parquet the 1-based row.
    column
        Name of the column at fault; empty when the row as a whole is.
    value
        What stood there.
    reason
        One of a small number of fixed texts, to be counted by.
    """

    file: str
    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive rows, by column.

    Attributes
    ----------
    columns
        The wanted columns, in the order in which they were asked for, of n rows each.
    lines
        int64[n], the line (in Parquet: the row) of each.
    broken
        Rows of the same stretch that could not be split into columns.
    """

    columns: tuple[Column, ...]
    lines: NDArray[np.int64]
    broken: list[BadRow]


class Source(Protocol):
    """A file of rows under named columns."""

    @property
    def name(self) -> str:
        """The file as it was named."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""

    @property
    def rewindable(self) -> bool:
        """Whether `pieces` can be called again; false for a pipe."""

    @property
    def size(self) -> int:
        """Bytes in all; 0 when nobody knows, as of a pipe."""

    @property
    def position(self) -> int:
        """Bytes read by the latest call of `pieces`, of `size`."""

    def pieces(self, wanted: Sequence[int]) -> Iterator[Piece]:
        """Read the columns at these positions from the first row to the last.

        Raises
        ------
        SourceError
            When the file can't be read (further).
        """

    def close(self) -> None:
        """Let go of the file, if it is still held."""


def readable(text: str) -> str:
    """Make text of a file fit to be shown: short, with nothing in it that a terminal obeys."""
    shown = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
    whole = shown.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return "".join(map(_visible, whole))


def _visible(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]
