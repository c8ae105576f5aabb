"""`bandit-serve emulate`: feature stores on this machine, for whoever has no account."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from featurestore.vertex import MISSING
from featurestore.vertex.conduct import CODES, Conduct, Latency, parse_latency
from featurestore.vertex.settings import is_segment
from featurestore.vertex.tablefile import Table, read_table
from service.data.options import DataError, failures
from service.emulated_config import invitation
from service.ports import port_problem

__all__ = ["emulate"]

if TYPE_CHECKING:
    from featurestore.vertex.emulator import Emulator

DRAIN_S = 1.0


def _latency(_: click.Context, __: click.Parameter, text: str) -> Latency:
    try:
        return parse_latency(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


SHARE = click.FloatRange(0, 1)


@click.group()
def emulate() -> None:
    """Serve a stand-in for a feature store on this machine, to develop and test with."""


@emulate.command()
@click.option(
    "--data",
    required=True,
    multiple=True,
    metavar="[TYPE=]FILE",
    help="CSV (also gzipped) or Parquet file with a column id; every other column is a feature. "
    "Give it once for each entity type.",
)
@click.option(
    "--entity-type", default="content", show_default=True, help="Of a FILE without a TYPE."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8085,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--latency-ms",
    "latency",
    callback=_latency,
    default="0",
    show_default=True,
    help="Of an answer: 20, uniform:5,30 or lognormal:median=8,sigma=0.5.",
)
@click.option("--slow-share", type=SHARE, default=0.0, help="Share of slow calls.")
@click.option(
    "--slow-ms",
    type=click.FloatRange(0),
    default=500.0,
    show_default=True,
    help="How long those take.",
)
@click.option("--error-rate", type=SHARE, default=0.0, help="Share of calls that fail.")
@click.option(
    "--error-code",
    type=click.Choice(CODES, case_sensitive=False),
    default="UNAVAILABLE",
    show_default=True,
    help="Status of those.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of latencies and errors.")
def vertex(
    data: tuple[str, ...],
    entity_type: str,
    host: str,
    port: int,
    latency: Latency,
    slow_share: float,
    slow_ms: float,
    error_rate: float,
    error_code: str,
    seed: int,
) -> None:
    """Emulate Vertex AI Feature Store until SIGTERM or Ctrl-C.

    Serves the same tables as entity types of legacy featurestores and as feature views of online
    stores, of any project and location, over plaintext gRPC. At most 100 ids a call, as there.

    \b
    Examples:
      bandit-serve emulate vertex --data arms.csv
      bandit-serve emulate vertex --data article=a.csv --data offer=o.parquet \\
          --latency-ms lognormal:median=8,sigma=0.5 --slow-share 0.02 --error-rate 0.01
    """
    try:
        from featurestore.vertex.emulator import Emulator
    except ImportError as error:
        raise DataError(f"the emulator {MISSING} ({error})") from error
    conduct = Conduct(latency, slow_share, slow_ms, error_rate, error_code, seed=seed)
    with failures():
        tables = _tables(data, entity_type)
        asyncio.run(_serve(Emulator(tables, conduct), tables, host, port))


def _tables(data: tuple[str, ...], entity_type: str) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for given in data:
        name, separator, file = given.partition("=")
        if not separator or Path(given).exists():
            name, file = entity_type, given
        if not is_segment(name):
            raise DataError(f"--data {given}: {name!r} can't be the id of an entity type")
        if name in tables:
            raise DataError(f"--data {given}: there is a file for the entity type {name!r} already")
        tables[name] = read_table(file)
    return tables


async def _serve(emulator: "Emulator", tables: dict[str, Table], host: str, port: int) -> None:
    if problem := port_problem(host, port):
        raise DataError(f"can't listen on {host}:{port}: {problem}")
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await emulator.start(port, host)
    for name, table in tables.items():
        click.echo(f'"{name}": {len(table.rows):,} ids with {", ".join(table.features)}')
        for reason, count in table.bad.most_common():
            click.echo(f"  {count:,} bad rows: {reason}")
    click.echo(invitation(f"{_bracketed(host)}:{emulator.port}", tables))
    await ended.wait()
    await emulator.stop(DRAIN_S)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
