"""The servers that the benchmark compares."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.catalogue import COMMAND, Catalogue
from loadtest.processes import accepts, cpu_seconds, free_port, running

__all__ = ["EMPTY", "PREDICT", "STORES", "Contender", "Target", "started", "wants_redis"]

# An answer that had to do without the store would be cheap, so it is an error here.
CONFIG = """
default_model = "homepage"

[store]
kind = "redis"
{hot_tier}

[redis]
url = "redis://127.0.0.1:{port}"

[models.homepage]
version = "1"
entity_type = "content"
prior = {{ alpha = 2.0, beta = 30.0 }}
on_late_features = "fail"
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server of /predict: the service, on a Redis or the embedded store, or what else there is.

    Attributes
    ----------
    redis : bool
        The service reads from a redis-server of its own.
    hot_tier : str
        The line about it in the configuration.
    empty : bool
        Not the service, but an empty reply.
    """

    name: str
    redis: bool = False
    hot_tier: str = ""
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A contender that runs: where, and the processes whose CPU is counted, apart."""

    url: str
    pid: int
    store_pid: int | None

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU used so far by the server's processes, and by its store's."""
        store = 0.0 if self.store_pid is None else cpu_seconds(self.store_pid)
        return cpu_seconds(self.pid), store


EMPTY = Contender("empty reply", empty=True)
PREDICT = (Contender("predict"), EMPTY)
STORES = (
    Contender("embedded"),
    Contender("redis, no hot tier", redis=True, hot_tier="hot_rows = 0"),
    Contender("redis, hot tier", redis=True),
    EMPTY,
)


def wants_redis(contenders: tuple[Contender, ...]) -> bool:
    """Whether a redis-server must be installed."""
    return any(contender.redis for contender in contenders)


@contextmanager
def started(
    contender: Contender, catalogue: Catalogue, folder: Path, workers: int
) -> Iterator[Target]:
    """Run a contender, and the store it needs, until the block ends."""
    port = free_port()
    options = ["--port", str(port), "--workers", str(workers)]
    url = f"http://127.0.0.1:{port}/predict"
    if contender.redis:
        with _redis(catalogue, folder) as (store_port, store_pid):
            config = folder / f"{port}.toml"
            config.write_text(CONFIG.format(port=store_port, hot_tier=contender.hot_tier))
            command = [COMMAND, "run", "--config", str(config), *options]
            with running(command, port) as pid:
                yield Target(url, pid, store_pid)
        return
    command = _empty() if contender.empty else [COMMAND, "run", "--store", str(catalogue.store)]
    with running([*command, *options], port) as pid:
        yield Target(url, pid, None)


def _empty() -> list[str]:
    granian = str(Path(sys.executable).with_name("granian"))
    command = [granian, "loadtest.empty:app", "--interface", "asgi", "--no-ws"]
    return [*command, "--loop", "uvloop", "--log-level", "warning"]


@contextmanager
def _redis(catalogue: Catalogue, folder: Path) -> Iterator[tuple[int, int]]:
    """Run a private redis-server with the catalogue in it; yields its port and pid."""
    port, server = free_port(), shutil.which("redis-server") or "redis-server"
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running([*command, "--dir", str(folder)], port, accepts) as pid:
        catalogue.load(f"redis://127.0.0.1:{port}")
        yield port, pid
