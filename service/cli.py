"""The command `bandit-serve`."""

import sys
from typing import Any

import click

from featurestore import StoreError
from service import data
from service.config import DEFAULT_CONFIG, ConfigError
from service.doctor import doctor
from service.emulate import emulate
from service.launcher import check_start, serve
from service.options import server_options, settings_of

__all__ = ["main"]

USAGE_ERROR = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bandit-serve")
def main() -> None:
    """Multi-armed-bandit prediction service.

    \b
    A first service, from nothing:
      bandit-serve sample catalogue.csv          make up a catalogue of 100,000 contents
      bandit-serve load catalogue.csv            put its posteriors into the embedded store
      bandit-serve run                           serve POST /predict
    """


@main.command()
@server_options
def run(**options: Any) -> None:
    """Serve predictions until SIGTERM or Ctrl-C.

    Options win over the environment (BANDIT_SERVE_SERVER_PORT, BANDIT_SERVE_STORE_PATH, ...),
    which wins over the configuration file. A wrong setting stops the start; every problem is
    listed at once.

    \b
    On SIGTERM  /health turns 503 while requests are still answered (drain_delay_s), then no
                connection is accepted and requests in flight finish (drain_timeout_s).
    Logs        JSON lines on standard error: one for each problem, none for ordinary requests.
    Exit status 0 after a drain, 1 when a worker could not be kept alive, 2 for wrong settings.

    \b
    Examples:
      bandit-serve run
      bandit-serve run --config models.toml --port 9000 --workers 4
      bandit-serve run --store redis://cache:6379/0
    """
    try:
        settings = settings_of(**options)
        check_start(settings)
    except (ConfigError, StoreError) as error:
        click.echo(f"bandit-serve: {error}", err=True)
        sys.exit(USAGE_ERROR)
    serve(settings)


@main.command()
def config() -> None:
    """Print the default configuration, with every setting explained."""
    click.echo(DEFAULT_CONFIG.read_text(encoding="utf-8"), nl=False)


for command in (
    data.load,
    data.export,
    data.copy,
    data.stats,
    data.sample,
    emulate,
    doctor,
):
    main.add_command(command)
