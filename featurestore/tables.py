"""What a loader sees of a store: whole tables, read and written by synchronous calls."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from idcolumn import IdColumn

__all__ = ["TableInfo", "Tables"]


@dataclass(frozen=True, slots=True)
class TableInfo:
    """Features of a table, in the order of its rows, how many rows it has, and bytes it takes."""

    features: tuple[str, ...]
    rows: int
    bytes: int


class Tables(AbstractContextManager["Tables"], Protocol):
    """A store that can be listed and written, open until its `with` block ends."""

    def __enter__(self) -> Self: ...

    def tables(self) -> dict[str, TableInfo]:
        """Every table, by entity type; some stores read all their keys to count the rows."""
        ...

    def features(self) -> dict[str, tuple[str, ...]]:
        """Features of every table, by entity type; nothing is counted."""
        ...

    def scan(
        self, entity_type: str, batch: int = 10_000
    ) -> Iterator[tuple[IdColumn, NDArray[np.float64]]]:
        """All rows of a table, nothing for an unknown one.

        Yields
        ------
        ids, values : IdColumn and float64[n, f]
            At most `batch` rows, each with all features of the table in its order.
        """
        ...

    def write(
        self,
        entity_type: str,
        ids: IdColumn | Sequence[str],
        features: tuple[str, ...],
        values: NDArray[np.float64],
    ) -> None:
        """Insert or overwrite rows; they are stored when this returns.

        Parameters
        ----------
        entity_type : str
            The table, made when it is unknown.
        ids : IdColumn or sequence of str
            n ids; of an id given twice the last row stays.
        features : tuple of str
            The table's features, all of them, in any order.
        values : float64[n, f]
            One column for each of `features`.

        Raises
        ------
        ValueError
            A name, an id or the shape is wrong; nothing was written.
        FeaturesDiffer
            The table has other features; nothing was written.
        StoreError
            The store failed; what it says tells whether some rows were written.
        """
        ...

    def increment(
        self,
        entity_type: str,
        ids: IdColumn | Sequence[str],
        features: tuple[str, ...],
        amounts: NDArray[np.float64],
        start: Sequence[float],
    ) -> None:
        """Add to rows, each row atomically; no other writer's addition is lost.

        Parameters
        ----------
        entity_type : str
            The table, made when it is unknown.
        ids : IdColumn or sequence of str
            n ids; the amounts of an id given twice add up.
        features : tuple of str
            The table's features, all of them, in any order.
        amounts : float64[n, f]
            What is added, finite; one column for each of `features`.
        start : sequence of f floats
            What a row that is not there yet begins with, such as the prior.

        Raises
        ------
        ValueError, FeaturesDiffer, StoreError
            As `write`.
        """
        ...
