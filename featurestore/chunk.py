"""One chunk of a fetch: asked for, once more when late or failed, and ended come what may."""

import asyncio
import time
from collections.abc import Callable, Coroutine

import numpy as np

from featurestore.batch import FeatureBatch, Lost
from featurestore.errors import StoreError, UnknownFeature
from featurestore.gathering import Gathering
from featurestore.line import Line, Outcome

__all__ = ["Chunk"]

TIMER_S = 0.001  # what the event loop's timers may be early by


class Chunk:
    """At most two attempts to fetch some rows of a gathering; the first good one counts.

    Parameters
    ----------
    line : Line
        To the store.
    ask : function that returns a coroutine
        One attempt.
    gathering : Gathering
        Where the rows go; it is told of the chunk's end once, unless the chunk is cancelled.
    start, rows : int
        Which rows of it.
    deadline : float
        Instant of `time.monotonic()` at which the chunk ends as late.
    """

    __slots__ = (
        "_ask",
        "_attempts",
        "_began",
        "_deadline",
        "_ended",
        "_first",
        "_gathering",
        "_hedged",
        "_line",
        "_loop",
        "_rows",
        "_start",
        "_timer",
    )

    def __init__(
        self,
        line: Line,
        ask: Callable[[], Coroutine[None, None, FeatureBatch]],
        gathering: Gathering,
        start: int,
        rows: int,
        deadline: float,
    ) -> None:
        self._line = line
        self._ask = ask
        self._gathering = gathering
        self._start = start
        self._rows = rows
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._attempts: list[asyncio.Task[FeatureBatch]] = []
        self._first: asyncio.Task[FeatureBatch] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._hedged = self._ended = False

    def submit(self) -> None:
        """Begin as soon as the line has room."""
        self._line.enter(self._begin)
        if not (self._began or self._ended):
            self._arm(self._deadline - time.monotonic())

    def cancel(self) -> None:
        """End without telling the gathering, because nobody waits for it."""
        if not self._ended:
            self._stop()
            if self._began:
                self._line.breaker.abandoned()

    def _begin(self) -> None:
        if self._ended:
            return
        now = time.monotonic()
        if not self._line.breaker.allows(now):
            self._line.counts.refused += 1
            self._end(Lost.REFUSED)
            return
        self._began = now
        self._first = self._attempt()
        self._arm(min(self._line.hedge_after_s, self._deadline - now))

    def _arm(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(seconds, 0.0), self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        if now >= self._deadline - TIMER_S:
            self._lose(Lost.LATE, now, None)
            return
        if not self._hedged and self._line.may_hedge():
            self._hedge()
        self._arm(self._deadline - now)

    def _hedge(self) -> None:
        self._hedged = True
        self._attempt()

    def _attempt(self) -> asyncio.Task[FeatureBatch]:
        attempt = self._loop.create_task(self._ask())
        self._line.attempts.add(attempt)
        self._attempts.append(attempt)
        attempt.add_done_callback(self._answered)
        return attempt

    def _answered(self, attempt: asyncio.Task[FeatureBatch]) -> None:
        try:
            error = None if attempt.cancelled() else attempt.exception()
            if not self._ended and not attempt.cancelled():
                self._attempts.remove(attempt)
                if error is None:
                    self._take(attempt.result(), attempt)
                elif isinstance(error, StoreError) and not isinstance(error, UnknownFeature):
                    self._failed(error)
                else:
                    self._fail(error)
        finally:
            self._line.attempt_ended(attempt)

    def _take(self, batch: FeatureBatch, attempt: asyncio.Task[FeatureBatch]) -> None:
        now = time.monotonic()
        lost = np.count_nonzero(batch.lost)  # a quarter of any()
        outcome = Outcome.PARTIAL if lost else Outcome.OK
        if lost and lost == len(batch.lost):
            self._line.lost(Lost(batch.lost.max()), self._began, now, self._deadline, None)
        else:
            by_hedge = attempt is not self._first
            self._line.answered(now - self._began, outcome, by_hedge=by_hedge)
        self._stop()
        self._gathering.put(self._start, batch)

    def _failed(self, error: StoreError) -> None:
        if self._attempts:
            return  # the other may still do it
        if not self._hedged and self._line.may_hedge():
            self._hedge()
        else:
            self._lose(Lost.FAILED, time.monotonic(), error)

    def _fail(self, error: BaseException) -> None:
        self._stop()
        self._line.breaker.abandoned()
        if not isinstance(error, Exception):
            raise error
        self._gathering.fail(error)

    def _lose(self, why: Lost, now: float, error: Exception | None) -> None:
        if self._began:
            self._line.lost(why, self._began, now, self._deadline, error)
        else:
            self._line.counts.crowded += 1
        self._end(why)

    def _end(self, why: Lost) -> None:
        self._stop()
        self._gathering.lose(self._start, self._rows, why)

    def _stop(self) -> None:
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        for attempt in self._attempts:
            attempt.cancel()
        self._attempts, self._first = [], None
