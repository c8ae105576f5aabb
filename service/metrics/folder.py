"""The folder in which the workers of a node show each other their figures."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.metrics.snapshot import Snapshot, Unreadable, decode

__all__ = ["Folder", "figures_folder"]

# In memory where there is such a place, so that no disk keeps an event loop waiting
MEMORY = Path("/dev/shm")  # noqa: S108


@contextmanager
def figures_folder() -> Iterator[Path]:
    """Make the folder, and remove it at the end."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="bandit-serve-", dir=MEMORY))
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="bandit-serve-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Folder:
    """One file for each worker, written whole or not at all; those of ended workers stay.

    Parameters
    ----------
    path : Path
        The folder, which exists.
    name : str
        Of this worker's file.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._own = path / f"{name}.json"

    def publish(self, data: bytes) -> None:
        """Put this worker's snapshot in the place of its last one; OSError when it can't."""
        aside = self._own.with_suffix(".new")
        aside.write_bytes(data)
        aside.replace(self._own)

    def others(self) -> Iterator[Snapshot | None]:
        """Yield the snapshot of every other worker, None in the place of one that is damaged."""
        for path in sorted(self._path.glob("*.json")):
            if path != self._own:
                yield _read(path)


def _read(path: Path) -> Snapshot | None:
    try:
        return decode(path.read_bytes())
    except (OSError, Unreadable):
        return None
