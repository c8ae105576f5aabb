"""Keeps one catalogue of a worker current: one worker of a node has it read, all adopt it."""

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from bandit import Arms
from featurestore.failurelog import FailureLog
from service.catalogs.aside import Aside
from service.catalogs.catalog import Catalog
from service.catalogs.file import Mapped, file_name, open_arms, tidy
from service.catalogs.order import Order, Outcome, Said
from service.catalogs.state import State
from service.config import Settings

__all__ = ["Keeper"]

log = logging.getLogger("bandit_serve.catalogs")

POLL_S = 0.25
HELD_S = 2.0  # by when requests have let go of a snapshot that was replaced
LOGGED_S = 5.0
RETRY_S = 1.0

T = TypeVar("T")


class Keeper:
    """Follows what is said of a catalogue in a folder, and says it when no other worker does.

    Attributes
    ----------
    state : State
        What was said last.
    readings : dict of str to int
        Those that this worker ordered, by outcome: `new`, `same` as before, `failed`.
    adoptions : dict of str to int
        Snapshots that this worker mapped, or `failed` to.
    unmapped : str
        Why this worker can't map the current snapshot; empty where it could.
    unkept : str
        Why this worker can't keep the catalogue or tell of it; empty where it can or need not.
    """

    def __init__(
        self, catalog: Catalog, settings: Settings, prepare: Callable[[Arms], None]
    ) -> None:
        self.catalog = catalog
        self.state = State()
        self.readings = dict.fromkeys(("new", "same", "failed"), 0)
        self.adoptions = dict.fromkeys(("adopted", "failed"), 0)
        self.unmapped = self.unkept = ""
        self._settings = settings
        self._prepare = prepare
        self._name = catalog.settings.name
        self._reading = FailureLog(f"reading catalogue {self._name}")
        self._mapping = FailureLog(f"mapping catalogue {self._name}")
        self._seen: object = None
        self._mapped: Mapped | None = None
        self._logged = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[None]:
        """Work in the background for as long as the block lasts, in a folder of the node."""
        self._folder = folder / self._name
        self._path = self._folder / "state.json"
        self._threads = ThreadPoolExecutor(3, thread_name_prefix=f"catalogue-{self._name}")
        self._background(self._follow())
        self._background(self._keep())
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.to_thread(self._threads.shutdown)

    @property
    def bytes(self) -> int:
        """Bytes of the present snapshot's file."""
        return 0 if self._mapped is None else len(self._mapped.memory)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self) -> None:
        """Adopt what is current, for ever."""
        while True:
            try:
                mapped = await self._in_thread(self._new)
            except Exception as error:
                self.adoptions["failed"] += 1
                self.unmapped = f"the snapshot can't be mapped: {error}"
                self._mapping.failed(error)
                mapped = None
            else:
                self.unmapped = ""
            if mapped is not None:
                self._adopt(mapped)
            await asyncio.sleep(POLL_S)

    def _adopt(self, mapped: Mapped) -> None:
        self._mapped, old = mapped, self._mapped
        self.catalog.snapshot = snapshot = mapped.snapshot
        self.adoptions["adopted"] += 1
        self._mapping.succeeded()
        arms = f"{len(snapshot.arms):,} arms"
        more = {"missing": snapshot.missing, "bytes": self.bytes}
        log.info("catalogue %s: %s, version %s", self._name, arms, snapshot.version, extra=more)
        if old is not None:
            self._background(self._retire(old))

    async def _retire(self, old: Mapped) -> None:
        await asyncio.sleep(HELD_S)
        self._threads.submit(self._let_go, old)  # and hold it last: its pages take 10 ms to free

    def _let_go(self, old: Mapped) -> None:
        try:
            old.let_go()
        except Exception as error:  # nobody asks for the outcome
            log.warning("catalogue %s: old pages can't be let go: %s", self._name, error)

    def _new(self) -> Mapped | None:
        """Look whether something was said; return the current snapshot where it is another."""
        seen = _identity(self._path)
        if seen == self._seen:
            return None
        self.state = State.read(self._path)
        mapped = None
        if self.state.version not in ("", self._version):
            try:
                mapped = open_arms(self._folder / file_name(self.state.version))
            except FileNotFoundError:
                if _identity(self._path) != seen:  # there is a newer one already
                    return None
                raise
            mapped.touch()
            self._prepare(mapped.snapshot.arms)
        self._seen = seen
        return mapped

    @property
    def _version(self) -> str:
        return "" if self.catalog.snapshot is None else self.catalog.snapshot.version

    @property
    def trouble(self) -> str:
        """What is the matter, as far as this worker knows; empty where all is well."""
        return self.unmapped or self.unkept or self.state.trouble

    async def _keep(self) -> None:
        """Keep the catalogue as soon as no other worker does, for ever."""
        while True:
            try:
                await self._keep_alone()
            except Exception as error:
                self.unkept = f"it can't be kept: {error}"
                self._reading.failed(error)
            await asyncio.sleep(RETRY_S)

    async def _keep_alone(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            while not _locked(lock):  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)
            self._said = await self._in_thread(State.read, self._path)
            failures = 0
            while True:
                await asyncio.sleep(self._pause(failures))
                failures = 0 if await self._read() else failures + 1
        finally:
            os.close(lock)

    def _pause(self, failures: int) -> float:
        """Return the seconds until the next reading."""
        refresh_s = self.catalog.settings.refresh_s
        if failures:
            return min(refresh_s, RETRY_S * 2.0 ** min(failures - 1, 20))
        return min(refresh_s, max(0.0, self._said.read_at + refresh_s - time.time()))

    async def _read(self) -> bool:
        """Have the catalogue read once; return whether it could be."""
        order = Order(self._settings, self._name, self._folder)
        awaited = self.catalog.snapshot is None  # the worker isn't ready before it
        aside = Aside(order, self.catalog.settings.timeout_s, urgent=awaited)
        self._logged = time.monotonic()
        try:
            outcome = await self._in_thread(aside.run, self._progressed)
            known = outcome.version == self._said.version
            await self._in_thread(self._publish, outcome)
        except Exception as error:
            self.readings["failed"] += 1
            self._reading.failed(error)
            await self._in_thread(self._told, str(error))
            return False
        finally:
            aside.kill()
        self.readings["same" if known else "new"] += 1
        self._reading.succeeded()
        return True

    def _told(self, trouble: str) -> None:
        try:
            self._say(replace(self._said, arms=0, share=None, trouble=trouble))
            tidy(self._folder, self._said.version)
        except OSError as error:  # the disk may be what is the matter
            self.unkept = f"{trouble}; and the other workers can't be told: {error}"

    def _publish(self, outcome: Outcome) -> None:
        self._warn(outcome)
        self._say(State(outcome.version, outcome.read_at, outcome.missing, outcome.oddities))
        tidy(self._folder, outcome.version)

    def _warn(self, outcome: Outcome) -> None:
        """Tell what is odd, unless it was so the last time."""
        odd = {name: count for name, count in outcome.oddities.items() if count}
        if odd and outcome.oddities != self._said.oddities:
            log.warning("catalogue %s has odd rows: %s", self._name, odd)
        if outcome.missing not in (0, self._said.missing):
            arms = f"{outcome.missing:,} of {outcome.arms:,} arms"
            why = "alpha or beta is no positive number"
            log.warning("catalogue %s: the prior stands in for %s: %s", self._name, arms, why)

    def _progressed(self, said: Said) -> None:
        """Tell how far a reading is; called in its thread."""
        first = not self._said.version
        if first:
            self._say(replace(self._said, arms=said.arms, share=said.share))
        if time.monotonic() > self._logged + LOGGED_S:
            self._logged = time.monotonic()
            share = "" if said.share is None else f", {said.share:.0%} of the rows"
            level = logging.INFO if first else logging.DEBUG
            log.log(level, "catalogue %s: %s arms%s read", self._name, f"{said.arms:,}", share)

    def _say(self, state: State) -> None:
        state.write(self._path)
        self._said, self.unkept = state, ""

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)


def _locked(file: int) -> bool:
    """Take the lock that a worker holds until it ends, unless another has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what is another after each write of a file; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
