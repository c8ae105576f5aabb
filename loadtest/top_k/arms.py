"""A catalogue's file, and a service that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loadtest.catalogue import COMMAND, make_catalogue
from loadtest.processes import free_port, running
from loadtest.sampler.mixes import shapes

__all__ = ["Files", "Service", "make_files", "service"]

START_S = 900.0  # 10 million rows take minutes to read

# The store is there because a service has one; it holds none of the arms.
CONFIG = """
[server]
log_level = "warning"

[sampler]
gpu = "{gpu}"
threads = {threads}
calibrate = false

[store]
path = "{store}"

[models.homepage]
version = "1"
prior = {{ alpha = 2.0, beta = 30.0 }}
deadline_ms = 1000

[catalogs.content]
path = "{path}"
refresh_s = {refresh_s}
"""


@dataclass(frozen=True, slots=True)
class Files:
    """Two files of the same ids with other posteriors, and the name that a catalogue has."""

    folder: Path
    one: Path
    other: Path

    @property
    def path(self) -> Path:
        """What the configuration names: one of the two at a time."""
        return self.folder / "arms.csv"

    def turn(self) -> None:
        """Put the other in the place of the one, at once."""
        now = self.path.resolve() if self.path.is_symlink() else self.other
        new = self.folder / "new.csv"
        new.symlink_to(self.other if now == self.one else self.one)
        new.replace(self.path)


@dataclass(frozen=True, slots=True)
class Service:
    """One that runs."""

    url: str
    pid: int


def make_files(folder: Path, arms: int) -> Files:
    """Write the files of a catalogue of so many arms."""
    files = Files(folder, folder / "one.csv", folder / "other.csv")
    alpha, beta = (column.astype(int).tolist() for column in shapes("warm", arms))
    numbers = np.random.default_rng(1).permutation(arms).tolist()
    for more, file in enumerate((files.one, files.other)):
        with file.open("w") as out:
            out.write("id,alpha,beta\n")
            rows = zip(numbers, alpha, beta, strict=True)
            out.writelines(f"video-{i:08d},{a + more},{b}\n" for i, a, b in rows)
    files.turn()
    make_catalogue(folder, 10)
    return files


@contextmanager
def service(files: Files, threads: int, refresh_s: float, gpu: str = "off") -> Iterator[Service]:
    """Run a service of one worker until the block ends; it is ready once it holds the catalogue."""
    port = free_port()
    config = files.folder / f"{port}.toml"
    store = files.folder / "store"
    fields = {"path": files.path, "store": store, "refresh_s": refresh_s, "gpu": gpu}
    config.write_text(CONFIG.format(threads=threads, **fields))
    command = [COMMAND, "run", "--config", str(config), "--port", str(port), "--workers", "1"]
    with running(command, port, start_s=START_S) as pid:
        yield Service(f"http://127.0.0.1:{port}/predict", pid)
