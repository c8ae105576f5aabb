"""Work too long for the thread of the event loop, done in another one under a deadline."""

from asyncio import Future, get_running_loop
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from service.errors import DeadlineExceeded
from service.watch import Watch

__all__ = ["SideThreads"]

T = TypeVar("T")


class Job(NamedTuple):
    """What a thread does, and what waits for it in the event loop."""

    work: Callable[[], Any]
    outcome: Future[Any]


class SideThreads:
    """A few threads; work waits for one, under its deadline, in the event loop.

    The newest has the first turn: when there is more work than can be done, it is what still can
    be in time, and what waited too long never starts. Work that is late once it runs goes on to its
    end, in its thread, and nothing starts there before: so no more than `threads` ever run.

    The threads are no executor's: that passes an outcome on through another future and its locks,
    some 0.1 ms more for work that leaves the caches cold. They are daemons, so that the process may
    end while work is late.
    """

    def __init__(self, threads: int) -> None:
        self._threads = self._free = self._unstarted = threads
        self._begun: SimpleQueue[Job | None] = SimpleQueue()
        self._waiting: list[Job] = []
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
        while self._unstarted:  # first: if no thread is to be had, nothing has changed
            Thread(target=self._serve, name="side", daemon=True).start()
            self._unstarted -= 1
        job = Job(work, get_running_loop().create_future())
        self._waiting.append(job)
        if self._free:
            self._free -= 1
            self._next()
        try:
            outcome: T = await self._watch.until(deadline, job.outcome)
            return outcome
        except TimeoutError:
            raise DeadlineExceeded("the scores were not there in time") from None
        finally:
            if job in self._waiting:
                self._waiting.remove(job)
            del job  # its outcome, if an error, knows this frame

    def close(self) -> None:
        """Let the threads end with what they do; nothing may be run any more."""
        for _ in range(self._threads):
            self._begun.put(None)

    def _next(self) -> None:
        """Give a free thread to who waits for one."""
        if self._waiting:
            self._begun.put(self._waiting.pop())
        else:
            self._free += 1

    def _serve(self) -> None:
        while (job := self._begun.get()) is not None:
            self._do(job)
            del job  # what it holds is large

    def _do(self, job: Job) -> None:
        try:
            told = job.outcome.set_result, job.work()
        except BaseException as error:
            told = job.outcome.set_exception, error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            job.outcome.get_loop().call_soon_threadsafe(self._done, job.outcome, *told)
        del told, job  # an error knows this frame, and so all that the work holds

    def _done(self, outcome: Future[Any], tell: Callable[[Any], None], what: Any) -> None:
        self._next()
        if not outcome.done():
            tell(what)
