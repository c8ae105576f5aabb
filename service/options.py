"""Options of the commands that read the whole configuration, and their reading."""

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

from service.config import Settings, config_path, load_settings
from service.data.options import store_choice
from service.stores.choice import StoreChoice

__all__ = ["server_options", "settings_of"]

Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="TOML file with the models and settings. Else BANDIT_SERVE_CONFIG, else the default "
        "that `bandit-serve config` prints.",
    ),
    click.option("--host", help="Address to listen on (default 127.0.0.1: this machine only)."),
    click.option("--port", type=int, help="Port to listen on (default 8000)."),
    click.option("--workers", help='Processes, or "auto" for the CPU quota (default auto).'),
    click.option(
        "--store",
        metavar="STORE",
        callback=store_choice,
        help="Where features come from: folder of an embedded store, URL of a Redis server "
        "(redis://, rediss://, unix://), or embedded, redis, vertex, vertex-legacy or feast for "
        "the one that the configuration describes (default data/store).",
    ),
    click.option("--log-level", help="debug, info, warning or error (default info)."),
)


def server_options(command: Command) -> Command:
    """Give a command the options of `run`."""
    return reduce(lambda made, option: option(made), reversed(OPTIONS), command)


def settings_of(
    config: Path | None, store: StoreChoice, workers: str | None, **server: Any
) -> Settings:
    """Return the settings that the options ask for; raises ConfigError."""
    if workers is not None:
        server["workers"] = int(workers) if workers.isdecimal() else workers
    given = {name: value for name, value in server.items() if value is not None}
    return load_settings(config_path(config), {"server": given, **store.overrides})
