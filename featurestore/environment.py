"""An LMDB environment: transactions, named databases, and foreign errors translated."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, TypeVar

import lmdb

from featurestore.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable

__all__ = ["Database", "Environment", "View"]

MAX_DATABASES = 1024
MAX_READERS = 1024  # transactions open at once in all processes; 64 bytes of the lock file each
GIB = 1 << 30
# LMDB says EIO when the system wrote only a part, as it does on the last free block of a disk.
DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

T = TypeVar("T")
Database: TypeAlias = "lmdb._Database"

# One row for every error of the lmdb package that has a decision of its own; the first match is it.
TRANSLATIONS: list[tuple[type[Exception], type[StoreError], str]] = [
    (lmdb.MapFullError, StoreFull, "the map is full: raise map_size_gib above {map_size_gib}"),
    (lmdb.DbsFullError, StoreFull, f"more than {MAX_DATABASES // 2 - 2} tables"),
    (lmdb.MapResizedError, StoreUnavailable, "it outgrew map_size_gib {map_size_gib}: raise it"),
    (lmdb.MemoryError, StoreUnavailable, "no address space for map_size_gib {map_size_gib}"),
    (lmdb.ReadersFullError, StoreUnavailable, f"more than {MAX_READERS} readers at once"),
    (lmdb.ReadonlyError, StoreUnavailable, "it is not open for writing, or the folder forbids it"),
    (lmdb.LockError, StoreUnavailable, "the folder's permissions forbid it"),
    (lmdb.InvalidError, StoreCorrupt, "data.mdb is not an LMDB file"),
    (lmdb.VersionMismatchError, StoreCorrupt, "written by another version of LMDB"),
    (lmdb.CorruptedError, StoreCorrupt, "a page is damaged"),
    (lmdb.PageNotFoundError, StoreCorrupt, "a page is missing"),
    (lmdb.PanicError, StoreCorrupt, "the environment failed for good, open it anew"),
    (lmdb.Error, StoreUnavailable, "{error}"),
    (OSError, StoreUnavailable, "{error}"),
]


class NotOpen(Exception):
    """A transaction met a named database that this process has no handle of yet."""

    def __init__(self, name: bytes) -> None:
        super().__init__(name)
        self.name = name


class View:
    """A transaction with the databases that it may use."""

    def __init__(
        self,
        txn: "lmdb.Transaction[bytes]",
        databases: dict[bytes, Database],
        env: "lmdb.Environment | None" = None,
    ) -> None:
        self.txn = txn
        self.databases = databases
        self._env = env

    def database(self, name: bytes) -> Database:
        """Handle of a named database; a writing view creates what is missing."""
        known = self.databases.get(name)
        if known is None:
            if self._env is None:
                raise NotOpen(name)
            known = self.databases[name] = self._env.open_db(name, txn=self.txn)
        return known

    def get(self, name: bytes, key: bytes) -> bytes | None:
        """Value of a key in a named database."""
        return self.txn.get(key, None, self.database(name))


class Environment:
    """An open LMDB environment, usable from many threads of the process that opened it.

    Handles of named databases are opened in transactions of their own, under a lock, and a
    transaction uses only those that were there when it began: LMDB demands both.
    """

    def __init__(self, path: Path, map_size_gib: float, readonly: bool) -> None:
        self.path = path
        self.readonly = readonly
        self._map_size_gib = map_size_gib
        self._databases: dict[bytes, Database] = {}
        self._opening = threading.Lock()
        self._pid = os.getpid()
        with self._translated():
            self._env = lmdb.open(
                str(path),
                map_size=int(map_size_gib * GIB),
                readonly=readonly,
                create=not readonly,
                max_dbs=MAX_DATABASES,
                max_readers=MAX_READERS,
            )
            self._env.reader_check()
            self._identity = self._file_identity()

    def check_same(self) -> None:
        """Raise StoreUnavailable when other data lie in the folder than those that are open."""
        try:
            same = self._file_identity() == self._identity
        except OSError:
            same = False
        if not same:
            raise StoreUnavailable(
                f"store {self.path}: data.mdb was removed or replaced since it was opened; restart"
            )

    def read(self, work: Callable[[View], T]) -> T:
        """Run `work` in one read transaction, again when it meets a database not opened yet."""
        while True:
            try:
                with self.snapshot() as view:
                    return work(view)
            except NotOpen as gap:
                self._open(gap.name)

    @contextmanager
    def snapshot(self) -> Iterator[View]:
        """One read transaction; keep it short, its pages can't be used again before it ends."""
        self._guard()
        databases = self._databases
        with self._translated(), self._env.begin() as txn:
            yield View(txn, databases)

    @contextmanager
    def writing(self) -> Iterator[View]:
        """One write transaction, synced to disk when the block ends without an exception."""
        self._guard()
        if self.readonly:
            raise StoreUnavailable(f"store {self.path}: opened readonly")
        with self._translated():
            with self._env.begin(write=True) as txn:
                view = View(txn, dict(self._databases), self._env)
                yield view
            with self._opening:
                self._databases = {**self._databases, **view.databases}

    def names(self, view: View) -> list[bytes]:
        """Names of the databases in the environment."""
        with view.txn.cursor() as cursor:
            return list(cursor.iternext(values=False))

    def close(self) -> None:
        """Close the environment; no transaction may be open."""
        self._env.close()

    def _file_identity(self) -> tuple[int, int]:
        stat = (self.path / "data.mdb").stat()
        return stat.st_dev, stat.st_ino

    def _open(self, name: bytes) -> None:
        with self._opening, self._translated():
            if name in self._databases:
                return
            try:
                handle = self._env.open_db(name, create=False)
            except lmdb.NotFoundError:
                raise StoreCorrupt(f"store {self.path}: no database {name.decode()!r}") from None
            self._databases = {**self._databases, name: handle}

    def _guard(self) -> None:
        if os.getpid() != self._pid:
            raise StoreUnavailable(
                f"store {self.path}: opened before a fork; open it in each process"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (lmdb.Error, OSError) as error:
            raise self._translation(error) from error

    def _translation(self, error: Exception) -> StoreError:
        if getattr(error, "code", getattr(error, "errno", 0)) in DISK_FULL:
            return StoreFull(f"store {self.path}: the disk is full, or fails: {error}")
        kind, text = next(
            (kind, text) for foreign, kind, text in TRANSLATIONS if isinstance(error, foreign)
        )
        text = text.format(map_size_gib=self._map_size_gib, error=error)
        return kind(f"store {self.path}: {text}")
