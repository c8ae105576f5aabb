"""The folder in which the workers of a node show each other their figures."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from featurestore import Measurement
from service.metrics.process import has_ended
from service.metrics.snapshot import Snapshot, Unreadable, decode, decode_sum, encode_sum
from service.metrics.total import Total

__all__ = ["Folder", "figures_folder"]

# In memory where there is such a place, so that no disk keeps an event loop waiting
MEMORY = Path("/dev/shm")  # noqa: S108
ENDED = "ended.sum"
TRIES = 100


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
    """One file for each worker, and one for the sum of those that have ended.

    Each is written whole or not at all. The sum names the files that are in it and may still be
    there: these are passed over, and they are deleted before their names are. So a crash between
    any two steps neither loses nor doubles a count.

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
        self._ended = path / ENDED

    def publish(self, data: bytes) -> None:
        """Put this worker's snapshot in the place of its last one; OSError when it can't."""
        _write(self._own, data)

    def others(self) -> Iterator[Snapshot | None]:
        """Yield the snapshot of every other worker and the sum; None for one that is damaged."""
        summed, files = self._look()
        try:
            names, figures = _sum_of(summed)
        except Unreadable:
            names, figures = set(), []
            yield None
        if figures:
            yield Snapshot(0, 0, figures)
        for name, data in files.items():
            if name != self._own.name and name not in names:
                yield _decoded(data)

    def fold(self) -> None:
        """Make ended workers' files one, unless another worker does; OSError when it can't."""
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._fold()
        except (BlockingIOError, Unreadable):
            pass
        finally:
            os.close(folder)

    def _fold(self) -> None:
        names, figures = _sum_of(_bytes(self._ended))
        self._delete(names)
        folded = set()
        for path in sorted(self._path.glob("*.json")):
            joined = _joined(figures, path)
            if joined is not None:
                figures = joined
                folded.add(path.name)
        if folded:
            _write(self._ended, encode_sum(sorted(folded), figures))
            self._delete(folded)

    def _delete(self, names: set[str]) -> None:
        for name in names:
            (self._path / name).unlink(missing_ok=True)
            (self._path / name).with_suffix(".new").unlink(missing_ok=True)

    def _look(self) -> tuple[bytes | None, dict[str, bytes]]:
        """Read all files, at an instant between two changes of the sum."""
        for _ in range(TRIES):
            summed = _bytes(self._ended)
            files = {path.name: _bytes(path) for path in sorted(self._path.glob("*.json"))}
            if _bytes(self._ended) == summed:
                break
        return summed, {name: data for name, data in files.items() if data is not None}


def _write(path: Path, data: bytes) -> None:
    aside = path.with_suffix(".new")
    aside.write_bytes(data)
    aside.replace(path)


def _bytes(path: Path) -> bytes | None:
    """Return what is in a file, None when there is none, and nothing when it can't be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        return b""


def _sum_of(data: bytes | None) -> tuple[set[str], list[Measurement]]:
    return (set(), []) if data is None else decode_sum(data)


def _decoded(data: bytes) -> Snapshot | None:
    with suppress(Unreadable):
        return decode(data)
    return None


def _joined(figures: list[Measurement], path: Path) -> list[Measurement] | None:
    """Return the sum with a file's figures, unless they don't fit or its worker may still run."""
    found = _decoded(_bytes(path) or b"")
    if found is None or not has_ended(found.pid, found.started):
        return None
    total = Total()
    total.add(figures)
    return total.measurements() if total.add(found.measurements, running=False) else None
