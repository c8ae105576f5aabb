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
from service.config import ConfigError, config_path, load_settings
from service.storesettings import StoreSettings

__all__ = ["ENTITY_TYPE", "STORE", "DataError", "echo", "failures", "output_to", "progress"]


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


def _check_entity_type(_: click.Context, parameter: click.Parameter, value: str) -> str:
    try:
        check_name(str(parameter.name), value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


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
        with whole_file(Path(file)) as output:
            yield output
