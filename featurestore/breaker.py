"""A circuit breaker: a store that fails nearly always is left alone for a while, then probed."""

from enum import StrEnum

__all__ = ["Breaker", "BreakerState"]

# An average over some 20 chunks; 16 failures in a row open a breaker that never saw one.
WEIGHT = 0.1
OPENS_AT = 0.8


class BreakerState(StrEnum):
    """Whether the store is asked."""

    CLOSED = "closed"  # always
    OPEN = "open"  # not at all
    HALF_OPEN = "half_open"  # one chunk at a time, to see how it is


class Breaker:
    """Decides by the share of chunks that failed of late whether the store is asked (Nygard 2007).

    Parameters
    ----------
    first_pause_s, longest_pause_s : float
        Seconds that the store is left alone, doubled with each probe that fails.

    Attributes
    ----------
    state : BreakerState
        What the last call left it in.
    openings : int
        How often it opened because of failures, probes not counted.
    """

    def __init__(self, first_pause_s: float = 0.1, longest_pause_s: float = 0.5) -> None:
        self.state = BreakerState.CLOSED
        self.openings = 0
        self._first_pause_s = self._pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._share = 0.0
        self._until = 0.0
        self._probing = False

    def allows(self, now: float) -> bool:
        """Whether a chunk may be asked for; its end must be told by one of the other methods."""
        if self.state is BreakerState.CLOSED:
            return True
        if self.state is BreakerState.OPEN and now >= self._until:
            self.state = BreakerState.HALF_OPEN
            self._probing = False
        if self.state is BreakerState.OPEN or self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """Note that the store answered."""
        self._share *= 1 - WEIGHT
        if self.state is not BreakerState.CLOSED:
            self.state = BreakerState.CLOSED
            self._share, self._pause_s = 0.0, self._first_pause_s

    def failed(self, now: float) -> None:
        """Note that the store failed, or did not answer in a time that should be enough."""
        self._share += (1 - self._share) * WEIGHT
        if self.state is BreakerState.CLOSED and self._share > OPENS_AT:
            self.openings += 1
            self._open(now)
        elif self.state is BreakerState.HALF_OPEN:
            self._pause_s = min(2 * self._pause_s, self._longest_pause_s)
            self._open(now)

    def abandoned(self) -> None:
        """Note that nobody waited for the answer; another probe may follow."""
        self._probing = False

    def _open(self, now: float) -> None:
        self.state = BreakerState.OPEN
        self._until = now + self._pause_s
