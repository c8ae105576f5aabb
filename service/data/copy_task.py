"""Rows of tables on their way from one store to another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import click
import numpy as np
from numpy.typing import NDArray

from featurestore import StoreError, TableInfo, Tables
from idcolumn import IdColumn
from service.data.options import DataError
from service.stores.opening import replacing

__all__ = ["Copy", "NothingToCopy", "Scanned", "told"]

Write: TypeAlias = Callable[[IdColumn, NDArray[np.float64]], None]


class NothingToCopy(click.ClickException):
    """There is no table, or no row, to be copied."""

    exit_code = 1


class Scanned(Protocol):
    """Where rows are read from."""

    def scan(self, entity_type: str, batch: int) -> Iterator[tuple[IdColumn, NDArray[np.float64]]]:
        """See `Tables.scan`."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Copies tables, and counts in `rows` those that are in the target, by entity type."""

    source: Scanned
    target: Tables
    replace: bool
    batch: int
    rows: dict[str, int] = field(default_factory=dict)

    def run(self, tables: dict[str, TableInfo], update: Callable[[int], None]) -> None:
        """Copy these tables of the source, one after the other."""
        for name, info in tables.items():
            with self._writing(name, info.features) as write:
                rows = self._copy(name, write, update)
                if self.replace and not rows:
                    raise NothingToCopy(f'no row of "{name}" was found, so nothing was replaced')
            self.rows[name] = rows

    def _copy(self, name: str, write: Write, update: Callable[[int], None]) -> int:
        rows = 0
        for ids, values in self.source.scan(name, self.batch):
            write(ids, values)
            rows += len(ids)
            if not self.replace:
                self.rows[name] = rows
            update(len(ids))
        return rows

    @contextmanager
    def _writing(self, name: str, features: tuple[str, ...]) -> Iterator[Write]:
        if self.replace:
            with replacing(self.target, name, features) as load:
                yield load.write
        else:
            nothing = np.empty((0, len(features)))
            self.target.write(name, [], features, nothing)  # makes a table that has no rows
            yield lambda ids, values: self.target.write(name, ids, features, values)


@contextmanager
def told(task: Copy, whole: bool) -> Iterator[None]:
    """Say what of a copy that failed is in the target nevertheless."""

    def said() -> str:
        more = "" if whole else ", and perhaps rows of one more batch"
        return f"{sum(task.rows.values()):,} rows were copied before that{more}"

    try:
        yield
    except (StoreError, ValueError) as error:
        raise DataError(f"{error}\n{said()}") from error
    except KeyboardInterrupt:
        click.echo(f"\n{said()}", err=True)
        raise
