"""`bandit-serve copy`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import click
import numpy as np
from numpy.typing import NDArray

from featurestore import StoreError, TableInfo, Tables
from featurestore.bulk import BATCH
from idcolumn import IdColumn
from service.data.options import (
    DataError,
    check_entity_type,
    failures,
    progress,
    read_settings,
    store_choice,
)
from service.stores import (
    StoreChoice,
    is_transactional,
    name_of,
    open_tables,
    replacing,
    same_store,
)

__all__ = ["copy"]

Write: TypeAlias = Callable[[IdColumn, NDArray[np.float64]], None]


class NothingToCopy(click.ClickException):
    """There is no table, or no row, to be copied."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Copy:
    """Copies tables, and counts in `rows` those that are in the target, by entity type."""

    source: Tables
    target: Tables
    replace: bool
    batch: int
    rows: dict[str, int] = field(default_factory=dict)

    def run(self, tables: dict[str, TableInfo], update: Callable[[int], None]) -> None:
        """Copy these tables of the source, one after the other."""
        for name, info in tables.items():
            with self._writing(name, info.features) as write:
                rows = self._copy(name, write, update)
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


def _check_entity_types(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check_entity_type(context, parameter, value) for value in values))


@click.command()
@click.option(
    "--from", "source", required=True, metavar="STORE", callback=store_choice, help="Read from it."
)
@click.option(
    "--to", "target", required=True, metavar="STORE", callback=store_choice, help="Write to it."
)
@click.option(
    "--entity-type",
    multiple=True,
    callback=_check_entity_types,
    help="Which table; may be given several times.  [default: all]",
)
@click.option(
    "--mode",
    type=click.Choice(["upsert", "replace"]),
    default="upsert",
    show_default=True,
    help="Keep the rows that only the target has, or switch to a new table when it is whole "
    "(embedded store).",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=BATCH,
    show_default=True,
    metavar="ROWS",
    help="Rows written at a time: by the embedded store in one transaction, all or none.",
)
def copy(
    source: StoreChoice, target: StoreChoice, entity_type: tuple[str, ...], mode: str, batch: int
) -> None:
    """Copy tables from one store to another, with all their features.

    STORE is the folder of an embedded store, the URL of a Redis (redis://, rediss://, unix://), or
    `embedded` or `redis` for the one that the configuration describes.

    Rows of the target with the same id are overwritten, also those that were written meanwhile. An
    embedded source is copied as it was when the copy of a table began; what is written to a Redis
    meanwhile may be in the copy or not.

    Exit status: 0 when every row was copied, 1 when there was nothing to copy, 2 when the command
    is wrong, a store can't be read or written, or the target's tables have other features, which
    is found out before anything is written. What was written before another failure stays, and is
    told; copying again is safe.
    """
    settings, replace = read_settings(), mode == "replace"
    if same_store(settings, source, target):
        raise click.UsageError("--from and --to name the same store")
    whole = is_transactional(settings, target)
    if replace and not whole:
        raise click.UsageError(
            "--mode replace is for the embedded store: no other replaces a table as a whole"
        )
    with failures(), open_tables(settings, source) as tables:
        chosen = _chosen(tables, entity_type, name_of(settings, source), replace)
        with open_tables(settings, target, readonly=False) as into:
            if not replace:
                _check_features(chosen, into.tables())
            task = Copy(tables, into, replace, batch)
            total = sum(info.rows for info in chosen.values())
            with _told(task, whole), progress("copying", total) as update:
                task.run(chosen, update)
            there = into.tables()
    for name, rows in task.rows.items():
        place = name_of(settings, target)
        click.echo(f'{rows:,} rows of "{name}" copied, {there[name].rows:,} are in {place} now')


@contextmanager
def _told(task: Copy, whole: bool) -> Iterator[None]:
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


def _chosen(
    tables: Tables, names: tuple[str, ...], place: str, replace: bool
) -> dict[str, TableInfo]:
    known = tables.tables()
    absent = [name for name in names if name not in known]
    if absent:
        there = ", ".join(known) or "none"
        raise DataError(f'there is no entity type "{absent[0]}" in {place}; there are: {there}')
    chosen = {name: known[name] for name in names or known}
    if not chosen:
        raise NothingToCopy(f"there is no table in {place}, so nothing was copied")
    empty = [name for name, info in chosen.items() if not info.rows]
    if replace and empty:
        raise NothingToCopy(f'"{empty[0]}" in {place} has no rows, so nothing was replaced')
    return chosen


def _check_features(chosen: dict[str, TableInfo], there: dict[str, TableInfo]) -> None:
    differing = [
        f'"{name}" has {", ".join(info.features)}; {", ".join(there[name].features)} in the target'
        for name, info in chosen.items()
        if name in there and set(info.features) != set(there[name].features)
    ]
    if differing:
        raise DataError("\n  ".join(["the features differ, so nothing was copied:", *differing]))
