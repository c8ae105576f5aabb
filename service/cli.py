"""The command `bandit-serve`."""

import sys
from pathlib import Path
from typing import Any

import click

from featurestore import StoreError
from service import data
from service.config import DEFAULT_CONFIG, ConfigError, config_path, load_settings
from service.data.options import store_choice
from service.emulate import emulate
from service.launcher import check_start, serve
from service.stores.choice import StoreChoice

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
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with the models and settings. Else BANDIT_SERVE_CONFIG, else the default "
    "that `bandit-serve config` prints.",
)
@click.option("--host", help="Address to listen on (default 127.0.0.1: this machine only).")
@click.option("--port", type=int, help="Port to listen on (default 8000).")
@click.option("--workers", help='Processes, or "auto" for the CPU quota (default auto).')
@click.option(
    "--store",
    metavar="STORE",
    callback=store_choice,
    help="Where features come from: folder of an embedded store, URL of a Redis server "
    "(redis://, rediss://, unix://), or embedded, redis, vertex, vertex-legacy or feast for the "
    "one that the configuration describes (default data/store).",
)
@click.option("--log-level", help="debug, info, warning or error (default info).")
def run(config: Path | None, store: StoreChoice, workers: str | None, **server: Any) -> None:
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
    if workers is not None:
        server["workers"] = int(workers) if workers.isdecimal() else workers
    given = {name: value for name, value in server.items() if value is not None}
    try:
        settings = load_settings(
            config_path(config),
            {"server": given, **store.overrides},
        )
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
):
    main.add_command(command)
