"""A snapshot as a file that processes map: a head of one page, then the columns as they are."""

import mmap
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from bandit.arms import Arms
from idcolumn import HASH_VERSION
from service.catalogs.build import Built
from service.catalogs.snapshot import Snapshot

__all__ = ["BadFile", "Mapped", "file_name", "open_arms", "tidy", "write_arms"]

MAGIC = b"bandit-serve arms 1 "
SUFFIX = ".arms"
HEAD = 4096
ALIGNMENT = 64  # of a column: a cache line, and the widest vector
STEP = 4 << 20  # bytes that a thread touches at a time: some 0.1 ms
PAUSE_S = 0.002


class BadFile(Exception):
    """A file is no snapshot, or not all of one; the message says which and why."""


class Mapped(NamedTuple):
    """A snapshot, and the mapping of the file that it lies in."""

    snapshot: Snapshot
    memory: mmap.mmap

    def touch(self) -> None:
        """Have every page mapped before a request asks for it, slowly; call it in a thread."""
        view = np.frombuffer(self.memory, np.uint8)
        for begin in _steps(len(view)):
            view[begin : begin + STEP : mmap.PAGESIZE].max()
            time.sleep(PAUSE_S)

    def let_go(self) -> None:
        """Unmap every page, slowly, so that no request does when it drops the snapshot at last.

        One that still reads maps what it reads again.
        """
        for begin in _steps(size := len(self.memory)):
            self.memory.madvise(mmap.MADV_DONTNEED, begin, min(STEP, size - begin))
            time.sleep(PAUSE_S)


def file_name(version: str) -> str:
    """Return what the file of a version is called."""
    return version + SUFFIX


def tidy(folder: Path, version: str) -> None:
    """Remove what readings left in a folder, but for the file of a version; some may still map."""
    for path in (*folder.glob("*" + SUFFIX), *folder.glob("*.part")):
        if path.name != file_name(version):
            path.unlink(missing_ok=True)


def write_arms(path: Path, built: Built, built_at: float) -> int:
    """Write a snapshot whole in the place of what is at `path`; return its bytes.

    Raises
    ------
    OSError
        It can't be written; nothing is left of it.
    """
    columns = _columns(built)
    about = {
        "version": built.version,
        "missing": built.missing,
        "built_at": built_at,
        "hash_version": HASH_VERSION,
        "columns": [(name, column.dtype.str, len(column)) for name, column in columns],
    }
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write((MAGIC + orjson.dumps(about)).ljust(HEAD - 1) + b"\n")
            for _, column in columns:
                file.write(b"\0" * (-file.tell() % ALIGNMENT))
                file.write(np.ascontiguousarray(column).data)
            size = file.tell()
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return size


def open_arms(path: Path) -> Mapped:
    """Map a snapshot; none of its pages is read yet but the first.

    Raises
    ------
    BadFile
        It is no snapshot, or of another format or hash, or not whole.
    OSError
        It can't be read.
    """
    with path.open("rb") as file:
        about = _about(path, file.read(HEAD))
        size = os.fstat(file.fileno()).st_size
        places, end = _places(about["columns"])
        if size != end:
            raise BadFile(f"{path} has {size} bytes, must have {end}: it is not whole")
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    columns = {
        name: np.frombuffer(memory, dtype, count, offset)
        for name, (dtype, count, offset) in places.items()
    }
    return Mapped(_snapshot(about, columns), memory)


def _columns(built: Built) -> list[tuple[str, NDArray[Any]]]:
    arms = built.arms
    columns = [("lanes", arms.lanes), ("alpha", arms.alpha), ("beta", arms.beta)]
    if arms.tags is not None:
        columns.append(("tags", arms.tags))
    return [*columns, ("offsets", built.ids.ends.view(np.uint64)), ("text", built.ids.data)]


def _about(path: Path, head: bytes) -> dict[str, Any]:
    if not head.startswith(MAGIC):
        raise BadFile(f"{path} is no snapshot of a catalogue, or of another version's format")
    try:
        about: dict[str, Any] = orjson.loads(head[len(MAGIC) :])
    except ValueError as error:
        raise BadFile(f"{path} has a broken head: {error}") from error
    if len(head) < HEAD or about["hash_version"] != HASH_VERSION:
        raise BadFile(f"{path} is not whole, or its ids are hashed by another version")
    return about


def _places(columns: list[tuple[str, str, int]]) -> tuple[dict[str, tuple[str, int, int]], int]:
    """Return dtype, length and offset of each column, and where the last ends."""
    places, end = {}, HEAD
    for name, dtype, count in columns:
        begin = end + -end % ALIGNMENT
        places[name] = (dtype, count, begin)
        end = begin + count * np.dtype(dtype).itemsize
    return places, end


def _snapshot(about: dict[str, Any], columns: dict[str, NDArray[Any]]) -> Snapshot:
    arms = Arms(columns["alpha"], columns["beta"], columns["lanes"], columns.get("tags"))
    return Snapshot(
        version=about["version"],
        arms=arms,
        text=columns["text"],
        offsets=columns["offsets"],
        missing=about["missing"],
        built_at=about["built_at"],
    )


def _steps(size: int) -> Iterator[int]:
    return iter(range(0, size, STEP))
