"""Work too long for the thread of the event loop, done in another one under a deadline."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from service.errors import DeadlineExceeded
from service.watch import Watch

__all__ = ["SideThreads"]

T = TypeVar("T")


class SideThreads:
    """A few threads; work waits for one, under its deadline, in the event loop.

    The newest has the first turn: when there is more work than can be done, it is what still can
    be in time, and what waited too long never starts. Work that is late once it runs goes on to its
    end, in its thread, and nothing starts there before: so no more than `threads` ever run.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "side")
        self._free = threads
        self._waiting: list[asyncio.Future[None]] = []
        self._watch = Watch()

    async def run(self, work: Callable[[], T], deadline: float) -> T:
        """Return what the work gives.

        Parameters
        ----------
        work : function
            Is called in a thread.
        deadline : float
            The event loop's time.

        Raises
        ------
        DeadlineExceeded
        """
        try:
            return await self._watch.until(deadline, self._run(work))
        except TimeoutError:
            raise DeadlineExceeded("the scores were not there in time") from None

    def close(self) -> None:
        """Let the threads end with what they do."""
        self._pool.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        await self._turn()
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(lambda _: self._next())
        return await asyncio.shield(future)

    async def _turn(self) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove(turn)
            else:  # it was late in the very moment in which it got its turn
                self._next()
            raise

    def _next(self) -> None:
        """Give a thread to who waits for one."""
        if self._waiting:
            self._waiting.pop().set_result(None)
        else:
            self._free += 1
