"""`bandit-serve load`."""

import dataclasses
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click
import numpy as np
from numpy.typing import NDArray

from bandit import Prior
from featurestore import LmdbStore, StoreError
from featurestore.bulk import (
    BATCH,
    FEATURES,
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
from service.data.options import ENTITY_TYPE, STORE, DataError, echo, failures, progress
from service.stores import open_store
from service.storesettings import StoreSettings

__all__ = ["load"]


class RefusedLoad(click.ClickException):
    """Nothing was loaded on account of the rows."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Upserts:
    """Writes each batch into the table as it comes."""

    store: LmdbStore
    entity_type: str

    def write(self, ids: Sequence[str], values: NDArray[np.float64]) -> None:
        """Write all of these rows or none."""
        self.store.write(self.entity_type, ids, FEATURES, values)


def _read_prior(_: click.Context, __: click.Parameter, value: str) -> Prior:
    try:
        alpha, beta = map(float, value.split(","))
        return Prior(alpha, beta)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not ALPHA,BETA, both > 0: {error}") from error


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True))
@STORE
@ENTITY_TYPE
@click.option(
    "--mode",
    type=click.Choice(["upsert", "replace"]),
    default="upsert",
    show_default=True,
    help="Keep the arms that are not in the files, or switch to a new table when all is read.",
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
    help="Added to counts and to events.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=BATCH,
    show_default=True,
    metavar="ROWS",
    help="Rows written in one transaction.",
)
@click.option(
    "--errors",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file for the bad rows (file, line, column, value, reason).",
)
@click.option("--strict", is_flag=True, help="Load nothing when any row is bad.")
def load(
    files: tuple[str, ...],
    settings: StoreSettings,
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

    Naming a column (--reward click) also says which form is meant. Values replace those that an
    arm had before; of an id with several rows the last one wins, except for events. Other columns
    are not looked at.

    Bad rows are left out and reported with file and line. Exit status: 0 when every row went in,
    1 when a row was bad or nothing was loaded for want of good rows, 2 when the command is wrong
    or a file or the store can't be read or written. What was written before such a failure stays
    with --mode upsert, in whole batches.
    """
    chosen = None if file_format == "auto" else FileFormat(file_format)
    given = {field: name for field, name in names.items() if name is not None}
    _check_different([*files, str(errors)] if errors else files)
    with failures(), ExitStack() as stack:
        sources = [stack.enter_context(closing(open_source(name, chosen))) for name in files]
        shared = _shared_layout(sources, given)
        log = BadRowLog(stack.enter_context(_error_file(errors)) if errors else None)
        task = Load(sources, shared, prior, batch, strict, log.add)
        _load(task, settings, entity_type, mode == "replace", log)


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


def _load(
    task: Load, settings: StoreSettings, entity_type: str, replace: bool, log: BadRowLog
) -> None:
    click.echo(task.layout.describe(task.prior))
    began = time.perf_counter()
    with open_store(settings, readonly=False) as store:
        report = _run(task, _target(store, entity_type, replace), log)
        info = store.tables().get(entity_type)
    seconds = time.perf_counter() - began
    echo(report.lines())
    click.echo(f"{report.good:,} loaded in {seconds:.1f} s, {report.read / seconds:,.0f} rows/s")
    click.echo(f'{info.rows if info else 0:,} rows of "{entity_type}" are in {settings.path} now')
    if report.bad:
        click.get_current_context().exit(1)


def _target(store: LmdbStore, entity_type: str, replace: bool) -> Target:
    if replace:
        return Target(lambda: store.replacing(entity_type, FEATURES), atomic=True)
    return Target(lambda: nullcontext(Upserts(store, entity_type)), atomic=False)


def _run(task: Load, target: Target, log: BadRowLog) -> Report:
    """Run a load under a progress bar; when it fails say what was written nevertheless."""
    passes, report = task.passes(target), Report()
    if passes > 1 and not all(source.rewindable for source in task.sources):
        raise click.UsageError("--strict reads twice, which a pipe doesn't allow: --mode replace")
    try:
        with progress("loading", passes * sum(source.size for source in task.sources)) as update:
            run(dataclasses.replace(task, on_progress=update), target, report)
    except RefusedError as error:
        echo(report.lines())
        raise RefusedLoad(str(error)) from error
    except (SourceError, StoreError) as error:
        kept = 0 if target.atomic else report.written
        raise DataError(f"{error}\n{kept:,} rows were written before that") from error
    finally:
        echo(log.lines(report.bad.total()), err=True)
    return report
