"""What a worker does for its store beside answering requests."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bandit import Models
from featurestore import Cached, Resident, StoreError
from idcolumn import IdColumn
from service.stores.serving import Serving

__all__ = ["Upkeep"]

log = logging.getLogger("bandit_serve.upkeep")

RETRY_S = 1.0
CHECK_S = 1.0
NO_IDS = IdColumn.from_list([])


class Upkeep:
    """Gets the store ready, and follows what is written to an embedded one, until the service ends.

    Attributes
    ----------
    ready : bool
        The embedded store's rows are in memory, or a store over a network was reached once.
    """

    def __init__(self, store: Serving, models: Models) -> None:
        self.store = store
        self.ready = False
        self._tables = {(m.entity_type, m.features) for m in models.by_name.values()}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work in the background for as long as the block lasts; then close the store."""
        tasks = [asyncio.create_task(self._begin())]
        if isinstance(self.store, Resident):
            tasks.append(asyncio.create_task(self.store.follow()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()

    async def check(self) -> None:
        """Prove that the store answers, and that it has the features that the models name.

        Raises
        ------
        StoreError
            It doesn't, or hasn't.
        """
        deadline = time.monotonic() + CHECK_S
        await self.store.check(deadline)
        asked = self.store.store if isinstance(self.store, Cached) else self.store
        for entity_type, features in self._tables:
            await asked.fetch(entity_type, NO_IDS, features, deadline)

    async def _begin(self) -> None:
        while not self.ready:
            try:
                await (self.store.fill() if isinstance(self.store, Resident) else self.check())
                self.ready = True
            except StoreError as error:
                log.error("the store can't be read; trying again", extra={"error": str(error)})
                await asyncio.sleep(RETRY_S)
            except Exception:
                log.exception("the store can't be read; trying again")
                await asyncio.sleep(RETRY_S)
