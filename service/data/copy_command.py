"""`bandit-serve copy`."""

from dataclasses import dataclass

import click

from featurestore import TableInfo, Tables
from featurestore.bulk import BATCH, FEATURES, Listed, read_ids
from service.config import Settings
from service.data.copy_task import Copy, NothingToCopy, Scanned, told
from service.data.options import (
    DataError,
    check_entity_type,
    failures,
    progress,
    read_settings,
    store_choice,
)
from service.stores.choice import StoreChoice
from service.stores.opening import (
    is_transactional,
    name_of,
    open_features,
    open_tables,
    rows_of,
    same_store,
)

__all__ = ["copy"]

TIMEOUT_S = 30.0  # for each thousand ids


def _check_entity_types(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check_entity_type(context, parameter, value) for value in values))


@click.command()
@click.option(
    "--from",
    "source",
    required=True,
    metavar="STORE",
    callback=store_choice,
    help="Read from it: a folder, a URL, embedded, redis; with --ids also vertex, vertex-legacy, "
    "feast.",
)
@click.option(
    "--to",
    "target",
    required=True,
    metavar="STORE",
    callback=store_choice,
    help="Write to it: a folder, a URL, embedded, redis.",
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
@click.option(
    "--ids",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Copy the rows of these ids: the column id of a CSV or Parquet file, or each line of a "
    ".txt.",
)
@click.option(
    "--feature",
    multiple=True,
    help="With --ids: which features; may be given several times.  [default: alpha, beta]",
)
def copy(
    source: StoreChoice,
    target: StoreChoice,
    entity_type: tuple[str, ...],
    mode: str,
    batch: int,
    ids: str | None,
    feature: tuple[str, ...],
) -> None:
    """Copy tables from one store to another, with all their features.

    STORE is the folder of an embedded store, the URL of a Redis server (redis://, rediss://,
    unix://), or a word for the store that the configuration describes: `embedded`, `redis` (which
    may be a cluster), and to read the rows of --ids, `vertex`, `vertex-legacy` and `feast`.

    Rows of the target with the same id are overwritten, also those that were written meanwhile. An
    embedded source is copied as it was when the copy of a table began; what is written to a Redis
    meanwhile may be in the copy or not.

    With --ids the source need not be listed: the rows of one --entity-type are fetched by their
    ids, as the service fetches them. Rows with a value that is not finite and > 0 count as not
    found. Nothing is skipped silently: a row that can't be had in time ends the copy.

    Exit status: 0 when every row was copied, 1 when there was nothing to copy, 2 when the command
    is wrong, a store can't be read or written, or the target's tables have other features, which
    is found out before anything is written. What was written before another failure stays, and is
    told; copying again is safe.
    """
    settings = read_settings()
    route = Route(settings, source, target, mode == "replace", batch)
    route.check()
    if ids is None and feature:
        raise click.UsageError("--feature needs --ids: a table is copied with all its features")
    if ids is not None and len(entity_type) != 1:
        raise click.UsageError("--ids needs one --entity-type, that of the ids")
    with failures():
        if ids is None:
            _copy_tables(route, entity_type)
        else:
            _copy_ids(route, entity_type[0], read_ids(ids), feature or FEATURES)


@dataclass(frozen=True, slots=True)
class Route:
    """From where to where, and how."""

    settings: Settings
    source: StoreChoice
    target: StoreChoice
    replace: bool
    batch: int

    def check(self) -> None:
        """Raise a usage error when the stores can't do this."""
        if same_store(self.settings, self.source, self.target):
            raise click.UsageError("--from and --to name the same store")
        if self.replace and not is_transactional(self.settings, self.target):
            raise click.UsageError(
                "--mode replace is for the embedded store: no other replaces a table as a whole"
            )

    def copy(self, source: Scanned, tables: dict[str, TableInfo]) -> None:
        """Copy these tables of the source under a progress bar, and say how many rows."""
        with open_tables(self.settings, self.target, readonly=False) as into:
            if not self.replace:
                _check_features(tables, into.features())
            task = Copy(source, into, self.replace, self.batch)
            whole = is_transactional(self.settings, self.target)
            total = sum(info.rows for info in tables.values())
            with told(task, whole), progress("copying", total) as update:
                task.run(tables, update)
            there = {name: rows_of(into, name) for name in task.rows}
        place = name_of(self.settings, self.target)
        for name, rows in task.rows.items():
            count = there[name]
            now = f" to {place}" if count is None else f", {count:,} are in {place} now"
            click.echo(f'{rows:,} rows of "{name}" copied{now}')


def _copy_tables(route: Route, names: tuple[str, ...]) -> None:
    with open_tables(route.settings, route.source) as tables:
        place = name_of(route.settings, route.source)
        route.copy(tables, _chosen(tables, names, place, route.replace))


def _copy_ids(route: Route, entity_type: str, ids: list[str], features: tuple[str, ...]) -> None:
    store = open_features(route.settings, route.source)
    with Listed(store, ids, features, TIMEOUT_S) as source:
        route.copy(source, {entity_type: TableInfo(features, len(ids), 0)})
    if source.unknown:
        click.echo(
            f"{source.unknown:,} of {len(ids):,} ids were not found, {source.invalid:,} of them for"
            " unusable values"
        )
    if source.unknown == len(ids):
        click.get_current_context().exit(1)


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


def _check_features(chosen: dict[str, TableInfo], there: dict[str, tuple[str, ...]]) -> None:
    differing = [
        f'"{name}" has {", ".join(info.features)}; {", ".join(there[name])} in the target'
        for name, info in chosen.items()
        if name in there and set(info.features) != set(there[name])
    ]
    if differing:
        raise DataError("\n  ".join(["the features differ, so nothing was copied:", *differing]))
