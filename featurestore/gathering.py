"""A fetch under way, whose rows fill in as the parts of it are answered."""

import asyncio
from collections.abc import Callable

from featurestore.batch import FeatureBatch, Lost

__all__ = ["Gathering"]


class Gathering:
    """Rows of n ids, late until they are put or lost for another reason.

    Attributes
    ----------
    values, found, lost
        As in `FeatureBatch`.
    invalid, oldest_age_s
        As in `FeatureBatch`, of the parts put so far.
    error : Exception or None
        What keeps the whole fetch from having an answer.
    done : bool
        Nothing changes any more.
    """

    __slots__ = (
        "_parts",
        "_then",
        "_waiters",
        "done",
        "error",
        "found",
        "invalid",
        "lost",
        "oldest_age_s",
        "values",
    )

    def __init__(self, rows: int, features: int, parts: int) -> None:
        nothing = FeatureBatch.nothing(rows, features, Lost.LATE)
        self.values, self.found, self.lost = nothing.values, nothing.found, nothing.lost
        self.invalid = 0
        self.oldest_age_s = 0.0
        self.error: Exception | None = None
        self.done = parts == 0
        self._parts = parts
        self._waiters: list[asyncio.Future[None]] = []
        self._then: list[Callable[[Gathering], None]] = []

    def put(self, start: int, part: FeatureBatch) -> None:
        """Take in the answer for the rows from `start` on."""
        stop = start + len(part.found)
        if stop - start == len(self.found):  # all rows
            self.values, self.found, self.lost = part.values, part.found, part.lost
        else:
            self.values[start:stop] = part.values
            self.found[start:stop] = part.found
            self.lost[start:stop] = part.lost
        self.invalid += part.invalid
        self.oldest_age_s = max(self.oldest_age_s, part.oldest_age_s)
        self._end_part()

    def lose(self, start: int, rows: int, why: Lost) -> None:
        """Give up the rows from `start` on."""
        self.lost[start : start + rows] = why
        self._end_part()

    def fail(self, error: Exception) -> None:
        """End a part by an error that the caller has to see in place of all rows."""
        self.error = self.error or error
        self._end_part()

    def then(self, act: Callable[["Gathering"], None]) -> None:
        """Call `act` once when all parts have ended, at once if they have."""
        if self.done:
            act(self)
        else:
            self._then.append(act)

    async def wait(self, seconds: float | None = None) -> None:
        """Return when all parts have ended, or when the time is up."""
        if self.done or (seconds is not None and seconds <= 0):
            return
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters.append(waiter)
        timer = None if seconds is None else loop.call_later(seconds, _wake, waiter)
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()
            self._waiters.remove(waiter)

    def batch(self) -> FeatureBatch:
        """Return the rows as they are.

        Raises
        ------
        Exception
            The `error`.
        """
        if self.error is not None:
            raise self.error
        return FeatureBatch(self.values, self.found, self.lost, self.invalid, self.oldest_age_s)

    def _end_part(self) -> None:
        self._parts -= 1
        if self._parts == 0:
            self.done = True
            for waiter in self._waiters:
                _wake(waiter)
            then, self._then = self._then, []  # they refer to what refers to this
            for act in then:
                act(self)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
