"""What a worker does for its store beside answering requests."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bandit import Models
from featurestore import Resident, StoreError
from featurestore.failurelog import FailureLog
from service.stores.probe import needed_by, probe
from service.stores.serving import Serving

__all__ = ["Upkeep"]

log = logging.getLogger("bandit_serve.upkeep")

RETRY_S = 1.0
CHECK_S = 1.0


class Upkeep:
    """Gets the store ready, and follows what is written to an embedded one, until the service ends.

    It is ready when the embedded store's rows are in memory, or one over a network was reached.
    """

    def __init__(self, store: Serving, models: Models) -> None:
        self.store = store
        self._ready = asyncio.Event()
        self._trouble: StoreError | None = None
        self._log = FailureLog("a look at the store")
        self._needed = needed_by(models)

    @property
    def ready(self) -> bool:
        """Whether it has been ready once."""
        return self._ready.is_set()

    async def until_ready(self) -> None:
        """Wait for it, however long it takes."""
        await self._ready.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work in the background for as long as the block lasts; then close the store."""
        if isinstance(self.store, Resident):
            work = [self._fill(self.store), self.store.follow()]
        else:
            work = [self._watch()]
        tasks = [asyncio.create_task(task) for task in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()

    async def trouble(self) -> StoreError | None:
        """Return what keeps the store from answering: now, or over a network as last seen."""
        if not isinstance(self.store, Resident):
            return self._trouble
        try:
            await self._check()
        except StoreError as error:
            return error
        return None

    async def _check(self) -> None:
        await probe(self.store, self._needed, time.monotonic() + CHECK_S)

    async def _watch(self) -> None:
        """Look after a store over a network, so that a probe need not wait for it."""
        while True:
            try:
                await self._check()
                self._trouble = None
                self._ready.set()
                self._log.succeeded()
            except Exception as error:
                self._trouble = error if isinstance(error, StoreError) else StoreError(repr(error))
                self._log.failed(self._trouble)
            await asyncio.sleep(RETRY_S)

    async def _fill(self, store: Resident) -> None:
        while not self.ready:
            try:
                await store.fill()
                self._ready.set()
            except Exception:
                log.exception("the hot tier can't be filled; trying again")
                await asyncio.sleep(RETRY_S)
