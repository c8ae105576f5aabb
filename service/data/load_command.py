"""`bandit-serve load`."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click

from bandit import Prior
from featurestore import StoreError, Tables
from featurestore.bulk import (
    BATCH,
    BadRowLog,
    FileFormat,
    Layout,
    Load,
    RefusedError,
    Report,
    Source,
    SourceError,
    Target,
    layout,
    open_source,
    run,
)
from service.config import Settings
from service.data.load_mode import LoadMode, target_of, written_before
from service.data.options import (
    ENTITY_TYPE,
    STORE,
    DataError,
    echo,
    failures,
    progress,
    read_settings,
)
from service.stores.choice import StoreChoice
from service.stores.opening import is_transactional, name_of, open_tables, rows_of

__all__ = ["load"]


class RefusedLoad(click.ClickException):
    """Nothing was loaded on account of the rows."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a load goes, and how."""

    settings: Settings
    choice: StoreChoice
    entity_type: str
    mode: LoadMode

    @property
    def transactional(self) -> bool:
        """Whether a batch is written whole or not at all, and a table can be replaced."""
        return is_transactional(self.settings, self.choice)

    def check(self) -> None:
        """Raise a usage error when the store can't do this."""
        if self.mode is LoadMode.REPLACE and not self.transactional:
            raise click.UsageError(
                "--mode replace is for the embedded store: no other replaces a table as a whole"
            )


def _read_prior(_: click.Context, __: click.Parameter, value: str) -> Prior:
    wrong = f"{value!r} is not ALPHA,BETA, both > 0"
    parts = value.split(",")
    if len(parts) != 2:
        raise click.BadParameter(wrong)
    try:
        return Prior(*map(float, parts))
    except ValueError as error:
        raise click.BadParameter(f"{wrong}: {error}") from error


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True))
@STORE
@ENTITY_TYPE
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in LoadMode]),
    default=LoadMode.UPSERT.value,
    show_default=True,
    help="What becomes of the arms that are there, see above.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["auto", "csv", "parquet"]),
    default="auto",
    show_default=True,
    help="By the file's name when auto.",
)
@click.option("--id", metavar="COLUMN", help="Column of ids.  [default: id]")
@click.option("--alpha", metavar="COLUMN", help="[default: alpha]")
@click.option("--beta", metavar="COLUMN", help="[default: beta]")
@click.option("--successes", metavar="COLUMN", help="[default: successes]")
@click.option("--trials", metavar="COLUMN", help="[default: trials]")
@click.option("--reward", metavar="COLUMN", help="[default: reward]")
@click.option(
    "--prior",
    metavar="ALPHA,BETA",
    default="1,1",
    show_default=True,
    callback=_read_prior,
    help="Added to counts and to events; with --mode add what a new arm begins with.",
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
    "--errors",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file for the bad rows (file, line, column, value, reason).",
)
@click.option("--strict", is_flag=True, help="Load nothing when any row is bad.")
def load(
    files: tuple[str, ...],
    store: StoreChoice,
    entity_type: str,
    mode: str,
    file_format: str,
    prior: Prior,
    batch: int,
    errors: Path | None,
    strict: bool,
    **names: str | None,
) -> None:
    """Load arms from CSV (also gzipped) and Parquet files; `-` is CSV on standard input.

    The columns of the first file decide in which of three forms the rows are:

    \b
    posteriors  id, alpha, beta
    counts      id, successes, trials: alpha = prior + successes,
                beta = prior + trials - successes
    events      id, reward (0 or 1, false or true) for each trial, added up
                over all files

    Naming a column (--reward click) also says which form is meant. Other columns are not looked
    at. --mode says what becomes of the arms that are there:

    \b
    upsert      values replace those that an arm had; of an id with several rows
                the last one wins, except for events; other arms stay
    replace     as upsert, into a new table that takes the place of the old one
                when all is read (embedded store)
    add         counts and events are added to what an arm has: alpha += successes,
                beta += trials - successes; all rows of an id count; an arm that is
                not there begins with the prior

    Bad rows are left out and reported with file and line. Exit status: 0 when every row went in,
    1 when a row was bad or nothing was loaded for want of good rows, 2 when the command is wrong
    or a file or the store can't be read or written. What was written before such a failure stays
    with --mode upsert and add, and is told in rows and batches. In the embedded store a batch is
    written whole or not at all; in Redis some rows of the batch that failed may be there.

    Loading the same files again adds them again with --mode add. One batch that is as large as
    the load (--batch) makes the embedded store add all or nothing.
    """
    chosen = None if file_format == "auto" else FileFormat(file_format)
    given = {field: name for field, name in names.items() if name is not None}
    _check_different([*files, str(errors)] if errors else files)
    destination = Destination(read_settings(), store, entity_type, LoadMode(mode))
    destination.check()
    with failures(), ExitStack() as stack:
        sources = [stack.enter_context(closing(open_source(name, chosen))) for name in files]
        shared = _shared_layout(sources, given)
        add = _adds(shared, destination.mode)
        log = BadRowLog(stack.enter_context(_error_file(errors)) if errors else None)
        _load(Load(sources, shared, prior, batch, strict, add, log.add), destination, log)


def _adds(shared: Layout, mode: LoadMode) -> bool:
    if mode is LoadMode.ADD and not shared.form.addition:
        raise click.UsageError(
            f"{shared.form.name} are all that is known of an arm: --mode add takes counts or events"
        )
    return mode is LoadMode.ADD


def _check_different(names: Sequence[str]) -> None:
    if len({Path(name).resolve() for name in names}) < len(names):
        raise click.UsageError("a file is named twice")


def _error_file(path: Path) -> IO[str]:
    return path.open("w", encoding="utf-8", newline="")


def _shared_layout(sources: Sequence[Source], names: dict[str, str]) -> Layout:
    shared = layout(sources[0], names)
    for source in sources[1:]:
        shared.positions(source)
    return shared


def _load(task: Load, to: Destination, log: BadRowLog) -> None:
    click.echo(task.layout.describe(task.prior, task.add))
    began = time.perf_counter()
    with open_tables(to.settings, to.choice, readonly=False) as tables:
        if not to.transactional:
            _reach(tables)
        report = _run(task, tables, to, log)
        there = rows_of(tables, to.entity_type)
    seconds = time.perf_counter() - began
    echo(report.lines())
    verb = "added" if task.add else "loaded"
    click.echo(f"{report.good:,} {verb} in {seconds:.1f} s, {report.read / seconds:,.0f} rows/s")
    place = name_of(to.settings, to.choice)
    if there is not None:
        click.echo(f'{there:,} rows of "{to.entity_type}" are in {place} now')
    elif report.written:
        click.echo(f'"{to.entity_type}" in {place} has them now')
    if not report.good:
        click.echo("nothing was loaded: there is no good row", err=True)
    if report.bad or not report.good:
        click.get_current_context().exit(1)


def _reach(tables: Tables) -> None:
    """Find a store that can't be reached or entered before anything is sent to be written."""
    try:
        tables.features()
    except StoreError as error:
        raise DataError(f"{error}\nnothing was written") from error


def _run(task: Load, tables: Tables, to: Destination, log: BadRowLog) -> Report:
    """Run a load under a progress bar; when it fails say what was written nevertheless."""
    target, report = target_of(to.mode, tables, to.entity_type, task.prior), Report()
    try:
        with _told(report, to), _bar(task, target) as whole:
            run(whole, target, report)
    except RefusedError as error:
        echo(report.lines())
        raise RefusedLoad(str(error)) from error
    finally:
        echo(log.lines(report.bad.total()), err=True)
    return report


@contextmanager
def _told(report: Report, to: Destination) -> Iterator[None]:
    try:
        yield
    except (SourceError, StoreError, ValueError) as error:  # a name that the store can't hold
        said = written_before(error, report, to.mode, to.transactional)
        raise DataError(f"{error}\n{said}") from error
    except KeyboardInterrupt as error:
        click.echo(f"\n{written_before(error, report, to.mode, to.transactional)}", err=True)
        raise


@contextmanager
def _bar(task: Load, target: Target) -> Iterator[Load]:
    """Put the task under a progress bar over all its passes."""
    passes = task.passes(target)
    if passes > 1 and not all(source.rewindable for source in task.sources):
        raise click.UsageError(
            "--strict reads twice, which a pipe doesn't allow: load a file, or with --mode replace"
        )
    with progress("loading", passes * sum(source.size for source in task.sources)) as update:
        yield dataclasses.replace(task, on_progress=update)
