"""The server that a command loads, and what it is asked: a live one, or one that is started."""

import argparse
import csv
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from loadtest.catalogue import COMMAND, Catalogue, make_catalogue
from loadtest.listeners import listener
from loadtest.options import workload
from loadtest.processes import free_port, running
from loadtest.watch import Watched
from loadtest.workload import Bodies

__all__ = ["Target", "target"]

PATH = "/predict"

# An answer that had to do without the store would be cheap, so it is an error here.
CONFIG = """
default_model = "homepage"

[store]
path = "{store}"

[models.homepage]
version = "1"
entity_type = "content"
entity = "{entity}"
prior = {{ alpha = 2.0, beta = 30.0 }}
on_late_features = "fail"
"""
PAIR = "{user}:{candidate}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where bodies are posted, which ones, and whose processes are watched."""

    url: str
    bodies: Bodies
    watched: Watched


@contextmanager
def target(options: argparse.Namespace) -> Iterator[Target]:
    """Give the server that the options of `add_target` and `add_workload` name.

    A started one has a sample catalogue of `options.rows` arms, with users of as many pairs.
    """
    with tempfile.TemporaryDirectory() as name:
        if options.url:
            yield _live(options, Path(name))
        else:
            with _started(options, Path(name)) as made:
                yield made


def _live(options: argparse.Namespace, folder: Path) -> Target:
    parts = urlsplit(options.url)
    url = options.url if parts.path.strip("/") else f"{options.url.rstrip('/')}{PATH}"
    ids = _ids(options.id_file or _sample(folder))
    bodies = Bodies.write(folder / "bodies", workload(options, len(ids)), ids)
    return Target(url, bodies, Watched(parts.netloc, listener(parts.hostname, parts.port or 80)))


def _ids(file: Path) -> list[str]:
    with file.open(newline="") as lines:
        reader = csv.DictReader(lines)
        if "id" not in (reader.fieldnames or ()):
            raise ValueError(f"--id-file {file} has no column id")
        return [row["id"] for row in reader]


def _sample(folder: Path) -> Path:
    """Write the catalogue of `make serve`, which is the same each time."""
    subprocess.run([COMMAND, "sample", folder / "sample.csv"], check=True, capture_output=True)
    return folder / "sample.csv"


@contextmanager
def _started(options: argparse.Namespace, folder: Path) -> Iterator[Target]:
    catalogue = make_catalogue(folder, options.rows // max(options.users, 1))
    store = _pairs(catalogue, options.users, folder) if options.users else catalogue.store
    entity = PAIR if options.users else "{candidate}"
    (folder / "models.toml").write_text(CONFIG.format(store=store, entity=entity))
    bodies = Bodies.write(folder / "bodies", workload(options, options.rows), catalogue.ids)
    port = free_port()
    command = [COMMAND, "run", "--config", str(folder / "models.toml"), "--port", str(port)]
    with running([*command, "--workers", str(options.workers)], port) as pid:
        yield Target(f"http://127.0.0.1:{port}{PATH}", bodies, Watched("bandit-serve", pid))


def _pairs(catalogue: Catalogue, users: int, folder: Path) -> Path:
    """Load every pair of user and content into a store of their own."""
    pairs = Catalogue(folder / "pairs.csv", folder / "pairs", [])
    head, *rows = catalogue.file.read_text().splitlines()
    lines = (f"u{user}:{row}" for user in range(users) for row in rows)
    pairs.file.write_text("\n".join([head, *lines, ""]))
    pairs.load(pairs.store)
    return pairs.store
