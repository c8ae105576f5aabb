"""Options, output and errors that the data commands share."""

import errno
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from featurestore import StoreError, check_name
from featurestore.bulk import SourceError, whole_file
from service.config import ConfigError, Settings, config_path, load_settings
from service.stores.choice import StoreChoice, parse_store

__all__ = [
    "ENTITY_TYPE",
    "STORE",
    "DataError",
    "check_entity_type",
    "echo",
    "failures",
    "output_to",
    "progress",
    "read_settings",
    "store_choice",
]


class DataError(click.ClickException):
    """What was asked for can't be done."""

    exit_code = 2


@contextmanager
def failures() -> Iterator[None]:
    """End the command with one line, not a stack trace, when files or the store fail."""
    try:
        yield
    except (SourceError, StoreError) as error:
        raise DataError(str(error)) from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise DataError(str(error)) from error


def read_settings() -> Settings:
    """Read the settings that `run` would use; raises DataError when they are wrong."""
    try:
        return load_settings(config_path(None))
    except ConfigError as error:
        raise DataError(str(error)) from error


def store_choice(_: click.Context, __: click.Parameter, text: str | None) -> StoreChoice:
    """Read an option that names a store; the configured one when there is none."""
    try:
        return StoreChoice() if text is None else parse_store(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def check_entity_type(_: click.Context, parameter: click.Parameter, value: str) -> str:
    """Read an option that names a table."""
    try:
        check_name(str(parameter.name), value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


STORE = click.option(
    "--store",
    metavar="STORE",
    callback=store_choice,
    help="Folder of an embedded store, URL of a Redis server (redis://, rediss://, unix://), or "
    "`embedded` or `redis` for the one that the configuration describes, be it a cluster.  "
    "[default: the store of the configuration, which is that of BANDIT_SERVE_STORE_KIND and "
    "BANDIT_SERVE_STORE_PATH, else of the file that BANDIT_SERVE_CONFIG names, else data/store]",
)
ENTITY_TYPE = click.option(
    "--entity-type",
    default="content",
    show_default=True,
    callback=check_entity_type,
    help="Which table.",
)


@contextmanager
def progress(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, and nothing anywhere else or when the length is not known."""
    if not (length and sys.stderr.isatty()):
        yield lambda _: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


def echo(lines: Iterable[str], err: bool = False) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line, err=err)


@contextmanager
def output_to(file: str) -> Iterator[BinaryIO]:
    """Open a file to be written whole or not at all, or standard output for `-`."""
    if file == "-":
        yield sys.stdout.buffer
    else:
        folder = Path(file).parent
        if not folder.is_dir():
            raise DataError(f"{file}: there is no folder {folder}")
        with whole_file(Path(file)) as output:
            yield output
