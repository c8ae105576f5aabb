"""The servers that a comparison puts side by side, and the stores that they read from."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from loadtest.catalogue import COMMAND, Catalogue
from loadtest.processes import accepts, free_port, running

__all__ = ["CONTENDERS", "Contender", "Started", "Supplies", "redis_server", "started"]

SOURCES = Path(__file__).parent / "peers"
BUILT = Path(__file__).parents[1] / "build" / "peers"

# An answer that had to do without the store would be cheap, so it is an error here; the peers know
# no deadline.
CONFIG = """
default_model = "homepage"

[models.homepage]
version = "1"
entity_type = "content"
prior = {{ alpha = 2.0, beta = 30.0 }}
on_late_features = "fail"
deadline_ms = 10000

{store}
"""
EMBEDDED = """
[store]
path = "{store}"
"""
REDIS = """
[store]
kind = "redis"
{hot_tier}

[redis]
url = "{url}"
"""


@dataclass(frozen=True, slots=True)
class Supplies:
    """What contenders read: a catalogue, its posteriors as a CSV file, and both in a Redis."""

    catalogue: Catalogue
    posteriors: Path
    folder: Path
    redis_url: str = ""
    redis_pid: int | None = None


@dataclass(frozen=True, slots=True)
class Contender:
    """A server of predictions.

    Attributes
    ----------
    command : callable
        Makes the command that runs it, but for its port and workers.
    program : Path
        What must be there for it to run.
    build : str
        The command that makes `program`.
    redis : bool
        It reads from a Redis.
    ranks : bool
        It answers rankings, rather than scores or nothing.
    note : str
        How its answers differ, where they don't rank.
    path : str
        Where it answers; what ends in /infer speaks the Open Inference Protocol, in binary tensors.
    """

    name: str
    command: Callable[[Supplies], Sequence[str | Path]]
    program: Path = Path(COMMAND)
    build: str = "make setup"
    redis: bool = False
    ranks: bool = True
    note: str = ""
    path: str = "/predict"

    @property
    def absence(self) -> str:
        """Why it can't run, and what to do about it; empty where it can."""
        if self.program.exists():
            return ""
        return f"not built, so not compared: {self.name} ({self.build})"


@dataclass(frozen=True, slots=True)
class Started:
    """A contender that runs: where, and its process and its store's."""

    contender: Contender
    url: str
    pid: int
    store_pid: int | None


@contextmanager
def started(contender: Contender, supplies: Supplies, workers: int) -> Iterator[Started]:
    """Run a contender until the block ends."""
    port = free_port()
    command = [*contender.command(supplies), "--port", str(port), "--workers", str(workers)]
    with running([str(part) for part in command], port) as pid:
        store_pid = supplies.redis_pid if contender.redis else None
        yield Started(contender, f"http://127.0.0.1:{port}{contender.path}", pid, store_pid)


@contextmanager
def redis_server(catalogue: Catalogue, folder: Path) -> Iterator[tuple[str, int]]:
    """Run a redis-server with the catalogue in it until the block ends; yields its URL and pid."""
    port, server = free_port(), shutil.which("redis-server") or "redis-server"
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running([*command, "--dir", str(folder)], port, accepts) as pid:
        url = f"redis://127.0.0.1:{port}"
        catalogue.load(url)
        yield url, pid


def _service(
    name: str, store: Callable[[Supplies], str], *, redis: bool = False, **how: Any
) -> Contender:
    """Return the service with a store, which is said as a part of its settings."""

    def command(supplies: Supplies) -> Sequence[str | Path]:
        config = supplies.folder / f"{name}.toml"
        config.write_text(CONFIG.format(store=store(supplies)))
        return COMMAND, "run", "--config", config

    return Contender(name, command, redis=redis, **how)


def _embedded(supplies: Supplies) -> str:
    return EMBEDDED.format(store=supplies.catalogue.store)


def _redis(supplies: Supplies, hot_tier: str = "") -> str:
    return REDIS.format(url=supplies.redis_url, hot_tier=hot_tier)


def _empty(_: Supplies) -> Sequence[str | Path]:
    granian = Path(sys.executable).with_name("granian")
    options = ("--interface", "asgi", "--no-ws", "--loop", "uvloop", "--log-level", "warning")
    return granian, "loadtest.empty:app", *options


def _peer(name: str, program: Path, *arguments: Path) -> tuple[Contender, Contender]:
    """Return a peer that reads from memory, and the same one that reads from Redis."""
    build = "make peers"

    def memory(supplies: Supplies) -> Sequence[str | Path]:
        return program, *arguments, "--features", supplies.posteriors

    def redis(supplies: Supplies) -> Sequence[str | Path]:
        return program, *arguments, "--redis", supplies.redis_url

    return (
        Contender(name, memory, program, build),
        Contender(f"{name}-redis", redis, program, build, redis=True),
    )


CONTENDERS = (
    _service("bandit-serve", _embedded),
    _service(
        "bandit-serve-oip",
        _embedded,
        ranks=False,
        note="answers the scores alone, in the order of the candidates; both are binary tensors",
        path="/v2/models/homepage/infer",
    ),
    _service("bandit-serve-redis", partial(_redis, hot_tier="hot_rows = 0"), redis=True),
    _service("bandit-serve-redis-hot-tier", _redis, redis=True),
    Contender("empty-reply", _empty, ranks=False, note="answers nothing"),
    *_peer(
        "article_python",
        BUILT / "article_python" / "venv" / "bin" / "python",
        SOURCES / "article_python" / "main.py",
    ),
    *_peer("article_go", BUILT / "article_go"),
    *_peer("fast_go", BUILT / "fast_go"),
    *_peer("fast_rust", BUILT / "fast_rust"),
)
