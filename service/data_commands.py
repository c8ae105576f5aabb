"""Commands on the data of a store: `load`, `export`, `stats` and `sample`."""

import dataclasses
import errno
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import click
import numpy as np
import orjson
from numpy.typing import NDArray

from bandit import Prior
from featurestore import LmdbStore, StoreError, TableInfo, check_name
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
    Summary,
    Target,
    export_csv,
    export_parquet,
    format_of,
    layout,
    open_source,
    run,
    summarize,
    whole_file,
)
from service.config import ConfigError, StoreSettings, config_path, load_settings
from service.sample_catalogue import generate
from service.stores import open_store

__all__ = ["export", "load", "sample", "stats"]


class DataError(click.ClickException):
    """What was asked for can't be done."""

    exit_code = 2


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


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (SourceError, StoreError) as error:
        raise DataError(str(error)) from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise DataError(str(error)) from error


def _check_entity_type(_: click.Context, parameter: click.Parameter, value: str) -> str:
    try:
        check_name(str(parameter.name), value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


def _read_prior(_: click.Context, __: click.Parameter, value: str) -> Prior:
    try:
        alpha, beta = map(float, value.split(","))
        return Prior(alpha, beta)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not ALPHA,BETA, both > 0: {error}") from error


def _store_settings(_: click.Context, __: click.Parameter, path: str | None) -> StoreSettings:
    """Return the store of the settings that `run` would use, at another path when one is given."""
    try:
        given = {} if path is None else {"path": path}
        return load_settings(config_path(None), {"store": given}).store
    except ConfigError as error:
        raise DataError(str(error)) from error


STORE = click.option(
    "--store",
    "settings",
    type=click.Path(file_okay=False),
    callback=_store_settings,
    help="Folder of the store.  [default: BANDIT_SERVE_STORE_PATH, else what the configuration "
    "named by BANDIT_SERVE_CONFIG says, else data/store]",
)
ENTITY_TYPE = click.option(
    "--entity-type",
    default="content",
    show_default=True,
    callback=_check_entity_type,
    help="Which table.",
)


@contextmanager
def _progress(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, and nothing anywhere else or when the length is not known."""
    if not (length and sys.stderr.isatty()):
        yield lambda _: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


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
    with _failures(), ExitStack() as stack:
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
    _echo(report.lines())
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
        with _progress("loading", passes * sum(source.size for source in task.sources)) as update:
            run(dataclasses.replace(task, on_progress=update), target, report)
    except RefusedError as error:
        _echo(report.lines())
        raise RefusedLoad(str(error)) from error
    except (SourceError, StoreError) as error:
        kept = 0 if target.atomic else report.written
        raise DataError(f"{error}\n{kept:,} rows were written before that") from error
    finally:
        _echo(log.lines(report.bad.total()), err=True)
    return report


@click.command()
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False))
@STORE
@ENTITY_TYPE
def export(file: str, settings: StoreSettings, entity_type: str) -> None:
    """Write all arms of an entity type to a CSV (also gzipped) or Parquet file; `-` is CSV.

    Columns are the id and the features. Loading the file gives the very same values.
    """
    with _failures(), open_store(settings) as store:
        info = _table(store, entity_type)
        parquet = format_of(file) is FileFormat.PARQUET
        write: Callable[..., int] = export_parquet if parquet else export_csv
        with _progress("exporting", info.rows) as update, _output(file) as output:
            rows = write(store.scan(entity_type), info.features, output, update)
    click.echo(f'{rows:,} rows of "{entity_type}" written to {file}', err=True)


@contextmanager
def _output(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdout.buffer
    else:
        with whole_file(Path(file)) as output:
            yield output


def _table(store: LmdbStore, entity_type: str) -> TableInfo:
    tables = store.tables()
    if entity_type not in tables:
        there = ", ".join(tables) or "none"
        raise DataError(f'there is no entity type "{entity_type}"; there are: {there}')
    return tables[entity_type]


@click.command()
@STORE
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def stats(settings: StoreSettings, as_json: bool) -> None:
    """Show what is in a store: rows, features, bytes on disk, and the posteriors summed up.

    "mean" is alpha / (alpha + beta), the expected rate of an arm; "alpha + beta" is how much is
    known about it.
    """
    with _failures(), open_store(settings) as store:
        tables = store.tables()
        with _progress("reading", sum(info.rows for info in tables.values())) as update:
            found = {
                name: (info, _summary(store, name, info, update)) for name, info in tables.items()
            }
    if as_json:
        figures = {name: _figures(info, summary) for name, (info, summary) in found.items()}
        click.echo(orjson.dumps({"entity_types": figures}, option=orjson.OPT_INDENT_2))
        return
    for name, (info, summary) in found.items():
        click.echo(
            f'"{name}": {info.rows:,} rows of {", ".join(info.features)}; {info.bytes:,} bytes'
        )
        _echo(f"  {line}" for line in (summary.lines() if summary else ()))


def _summary(
    store: LmdbStore, entity_type: str, info: TableInfo, update: Callable[[int], None]
) -> Summary | None:
    if not set(FEATURES) <= set(info.features):
        return None
    columns = [info.features.index(feature) for feature in FEATURES]

    def posteriors() -> Iterator[NDArray[np.float64]]:
        for ids, values in store.scan(entity_type):
            update(len(ids))
            yield values[:, columns]

    return summarize(posteriors())


def _figures(info: TableInfo, summary: Summary | None) -> dict[str, object]:
    posterior = summary.figures() if summary else None
    return {**dataclasses.asdict(info), "posterior": posterior}


@click.command()
@click.argument("file", type=click.Path(allow_dash=True, dir_okay=False))
@click.option("--rows", type=click.IntRange(min=0), default=100_000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def sample(file: str, rows: int, seed: int) -> None:
    """Write a made-up catalogue of arms as CSV, with columns id, successes and trials.

    Many arms have next to no trials and a few have millions, as in real catalogues. The same seed
    gives the same file, as long as the version of NumPy is the same.
    """
    catalogue = generate(rows, seed)
    columns = (catalogue.ids, catalogue.successes.tolist(), catalogue.trials.tolist())
    lines = (f"{name},{won},{tried}\n" for name, won, tried in zip(*columns, strict=True))
    with _failures(), _output(file) as output:
        output.write(b"id,successes,trials\n")
        output.writelines(map(str.encode, lines))
    click.echo(f"{rows:,} arms written to {file}", err=True)


def _echo(lines: Iterable[str], err: bool = False) -> None:
    for line in lines:
        click.echo(line, err=err)
