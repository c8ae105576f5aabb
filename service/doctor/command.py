"""The command `bandit-serve doctor`."""

import sys
from typing import Any

import click

from service.config import ConfigError, Settings
from service.doctor.catalogs import declared_catalogs
from service.doctor.configuration import configuration
from service.doctor.drawing import drawing
from service.doctor.machine import machine, versions
from service.doctor.report import as_json, as_text, problems_of, unreadable
from service.doctor.section import Section
from service.doctor.store import store
from service.options import server_options, settings_of

__all__ = ["doctor"]

UNHEALTHY = 1
USAGE_ERROR = 2


@click.command()
@server_options
@click.option("--json", "json", is_flag=True, help="For machines.")
def doctor(json: bool, **options: Any) -> None:
    """Say what runs here, how it is configured, and what is wrong.

    Takes the options of `run` and reads the same settings; a running service doesn't matter. It
    measures from how many arms CPU threads and the GPU pay, asks the store, and shows every setting
    with what said it: default, file, environment or command line. Passwords and tokens are hidden.

    \b
    Exit status 0 all is well, 1 the problems say what isn't, 2 wrong settings.

    \b
    Examples:
      bandit-serve doctor
      bandit-serve doctor --config models.toml --store redis://cache:6379/0
      bandit-serve doctor --json | jq .problems
    """
    try:
        settings = settings_of(**options)
    except ConfigError as error:
        click.echo(f"bandit-serve: {error}", err=True)
        if json:
            click.echo(unreadable(error.problems))
        sys.exit(USAGE_ERROR)
    sections = examined(settings)
    click.echo(as_json(sections) if json else as_text(sections))
    sys.exit(UNHEALTHY if problems_of(sections) else 0)


def examined(settings: Settings) -> list[Section]:
    """Look at everything, one after the other, so that no look disturbs another."""
    return [
        versions(),
        machine(settings.server),
        *drawing(settings.sampler),
        store(settings),
        declared_catalogs(settings),
        configuration(settings),
    ]
