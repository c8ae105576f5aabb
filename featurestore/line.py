"""The line to one store: what all chunks that go over it share."""

import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from featurestore.batch import Lost
from featurestore.breaker import Breaker
from featurestore.latency import Latencies

__all__ = ["ChunkCounts", "Line"]

logger = logging.getLogger("bandit_serve.featurestore")

# Second attempts may add a tenth to the load, so that a store which is slow for want of capacity
# isn't asked twice for everything (Dean & Barroso, "The tail at scale", CACM 56(2), 2013).
REPEATS_PER_CHUNK = 0.1
REPEATS_AT_ONCE = 10.0
# A chunk that is late counts against the store when it had as long as this many 95th percentiles,
# or as this many seconds when none is known: a caller in a hurry says nothing about the store.
FAIR_PERCENTILES = 3.0
FAIR_S = 0.05
LATE_WEIGHT = 0.02  # an average over some 100 chunks


@dataclass(slots=True)
class ChunkCounts:
    """Chunks by how they ended, and second attempts."""

    ok: int = 0
    late: int = 0
    failed: int = 0
    refused: int = 0
    repeats: int = 0
    repeats_won: int = 0
    repeats_denied: int = 0


class Line:
    """Bounded concurrency, a circuit breaker, and what was seen of the store.

    Parameters
    ----------
    most_in_flight : int
        Attempts at once; chunks beyond that wait for their turn, until their deadline.
    hedge : bool
        Whether a chunk may be asked for a second time, when it is late or has failed.
    """

    def __init__(self, *, most_in_flight: int, hedge: bool) -> None:
        self.breaker = Breaker()
        self.latencies = Latencies()
        self.counts = ChunkCounts()
        self.in_flight = 0
        self.late_share = 0.0
        self._most_in_flight = most_in_flight
        self._hedge = hedge
        self._budget = REPEATS_AT_ONCE
        self._waiting: deque[Callable[[], None]] = deque()
        self._failures = 0

    @property
    def repeat_after_s(self) -> float:
        """After how many seconds without an answer a second attempt is due."""
        return self.latencies.p95_s if self._hedge else math.inf

    def enter(self, begin: Callable[[], None]) -> None:
        """Call `begin` when there is room, which is now or later."""
        if self.in_flight < self._most_in_flight:
            begin()
        else:
            self._waiting.append(begin)

    def attempt_ended(self) -> None:
        """Make room."""
        self.in_flight -= 1
        while self._waiting and self.in_flight < self._most_in_flight:
            self._waiting.popleft()()

    def may_repeat(self) -> bool:
        """Whether a second attempt may be made now; a yes uses up some of its budget."""
        allowed = self._hedge and self._budget >= 1 and self.in_flight < self._most_in_flight
        self.counts.repeats += allowed
        self.counts.repeats_denied += self._hedge and not allowed
        self._budget -= allowed
        return allowed

    def answered(self, seconds: float, *, by_repeat: bool) -> None:
        """Note rows that came so many seconds after the first attempt began."""
        self.counts.ok += 1
        self.counts.repeats_won += by_repeat
        self._budget = min(self._budget + REPEATS_PER_CHUNK, REPEATS_AT_ONCE)
        self.latencies.add(seconds)
        self.late_share *= 1 - LATE_WEIGHT
        self.breaker.succeeded()
        self._failures = 0

    def lost(self, why: Lost, now: float, allowed_s: float, error: Exception | None) -> None:
        """Note a chunk that ended without rows; it had `allowed_s` seconds for them."""
        if why is Lost.FAILED:
            self.counts.failed += 1
            self.breaker.failed(now)
            self._log(f"failed: {error}")
            return
        self.counts.late += 1
        self.late_share += (1 - self.late_share) * LATE_WEIGHT
        p95_s = self.latencies.p95_s
        if allowed_s >= (FAIR_PERCENTILES * p95_s if math.isfinite(p95_s) else FAIR_S):
            self.breaker.failed(now)
            self._log(f"did not answer within {allowed_s:.3f} s")
        else:
            self.breaker.abandoned()

    def _log(self, what: str) -> None:
        """Log the 1st, 2nd, 4th, 8th and so on in a row."""
        self._failures += 1
        if self._failures & (self._failures - 1) == 0:
            logger.warning("the feature store %s (%d chunks in a row)", what, self._failures)
