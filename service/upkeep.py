"""Keeping the hot tier filled and in step with the store while requests are answered."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from featurestore import Resident

__all__ = ["Upkeep"]

log = logging.getLogger("bandit_serve.upkeep")

RETRY_S = 1.0


class Upkeep:
    """Fills the tier, then follows what is written to the store, until the service ends."""

    def __init__(self, store: Resident) -> None:
        self.store = store
        self.filled = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work in the background for as long as the block lasts; then close the store."""
        tasks = [asyncio.create_task(self._fill()), asyncio.create_task(self.store.follow())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.store.close()

    async def _fill(self) -> None:
        while not self.filled:
            try:
                await self.store.fill()
                self.filled = True
            except Exception:
                log.exception("the hot tier can't be filled; trying again")
                await asyncio.sleep(RETRY_S)
