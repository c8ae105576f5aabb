"""How many predictions begin in one turn of the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["AT_ONCE", "Turns"]

AT_ONCE = 16  # of 400 candidates take 1.5 ms, which refusals and probes wait for


class Turns:
    """Begins at most 16 predictions a turn, the others in the next ones.

    A turn reads from every connection that has something before it answers any of them: under
    overload hundreds of requests come between two turns, and each waits for all that began.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def begin(self, start: Callable[[], None]) -> None:
        """Call `start` now, or in a turn to come."""
        if self._begun == 0:
            self._loop.call_soon(self._next)
        if self._begun < AT_ONCE:
            self._begun += 1
            start()
        else:
            self._waiting.append(start)

    def _next(self) -> None:
        self._begun = 0
        for _ in range(min(AT_ONCE, len(self._waiting))):
            self.begin(self._waiting.popleft())
