"""A fetch under way, whose rows fill in as the parts of it are answered."""

import asyncio
from collections.abc import Callable

from featurestore.batch import FeatureBatch, Lost

__all__ = ["Gathering"]


class Gathering:
    """Rows of n ids, late until they are put or lost for another reason.

    Attributes
    ----------
    rows : FeatureBatch
        The rows as they are.
    error : Exception or None
        What keeps the whole fetch from having an answer.
    done : bool
        Nothing changes any more.
    """

    __slots__ = (
        "_parts",
        "_rows",
        "_shape",
        "_then",
        "_waiters",
        "done",
        "error",
    )

    def __init__(self, rows: int, features: int, parts: int) -> None:
        self._shape = rows, features
        self._rows: FeatureBatch | None = None  # most are all put at once
        self.error: Exception | None = None
        self.done = parts == 0
        self._parts = parts
        self._waiters: list[asyncio.Future[None]] = []
        self._then: list[Callable[[Gathering], None]] = []

    @property
    def rows(self) -> FeatureBatch:
        """See the class."""
        if self._rows is None:
            self._rows = FeatureBatch.nothing(*self._shape, Lost.LATE)
        return self._rows

    def put(self, start: int, part: FeatureBatch) -> None:
        """Take in the answer for the rows from `start` on."""
        if len(part.found) == self._shape[0]:
            self._rows = part
        else:
            self._fill(start, part)
        self._end_part()

    def lose(self, start: int, rows: int, why: Lost) -> None:
        """Give up the rows from `start` on."""
        self.rows.lost[start : start + rows] = why
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
        return self.rows

    def _fill(self, start: int, part: FeatureBatch) -> None:
        rows, where = self.rows, slice(start, start + len(part.found))
        rows.values[where] = part.values
        rows.found[where] = part.found
        rows.lost[where] = part.lost
        rows.invalid += part.invalid
        rows.oldest_age_s = max(rows.oldest_age_s, part.oldest_age_s)

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
