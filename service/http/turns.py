"""When what the connections of a worker have to do is done."""

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["AT_ONCE", "SOON_S", "Turns"]

AT_ONCE = 16  # of 400 candidates take 1 ms, which refusals and probes wait for
SOON_S = 0.01  # the pieces of a body, sent one after the other, are there within


class Turns:
    """Begins at most 16 predictions a turn, the others in the next ones.

    A turn reads from every connection that has something before it answers any of them: under
    overload hundreds of requests come between two turns, and each waits for all that began.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun = 0
        self._waiting: deque[Callable[[], None]] = deque()
        self._late: list[Callable[[], None]] = []

    def begin(self, start: Callable[[], None]) -> None:
        """Call `start` now, or in a turn to come."""
        if self._begun == 0:
            self._loop.call_soon(self._next)
        if self._begun < AT_ONCE:
            self._begun += 1
            start()
        else:
            self._waiting.append(start)

    def hurry(self, late: Callable[[], None]) -> None:
        """Call `late` soon, by one timer for all connections."""
        if not self._late:
            self._loop.call_later(SOON_S, self._hurry)
        self._late.append(late)

    def _hurry(self) -> None:
        late, self._late = self._late, []
        for each in late:
            each()

    def _next(self) -> None:
        self._begun = 0
        for _ in range(min(AT_ONCE, len(self._waiting))):
            self.begin(self._waiting.popleft())
