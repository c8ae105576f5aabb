"""The line to one store: what all chunks that go over it share."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from featurestore.batch import FeatureBatch, Lost
from featurestore.breaker import Breaker, BreakerState
from featurestore.latency import Latencies
from featurestore.measurement import Histogram, Measurement, counter, gauge, highest, histogram

__all__ = ["ChunkCounts", "Line", "Outcome"]

logger = logging.getLogger("bandit_serve.featurestore")

# Second attempts may add a tenth to the load, so that a store which is slow for want of capacity
# isn't asked twice for everything (Dean & Barroso, "The tail at scale", CACM 56(2), 2013).
REPEATS_PER_CHUNK = 0.1
REPEATS_AT_ONCE = 10.0
# The event loop's timers have milliseconds, and its own delays reach as much under load.
SOONEST_S = 0.002
# A chunk that is late counts against the store when it had as long as this many 95th percentiles,
# or as this many seconds when none is known: a caller in a hurry says nothing about the store.
FAIR_PERCENTILES = 3.0
FAIR_S = 0.05
# Nor does one that was looked at so many seconds after its deadline, by an event loop that
# something else had kept from taking in the answer.
BLOCKED_S = 0.1
LATE_WEIGHT = 0.02  # an average over some 100 chunks


class Outcome(StrEnum):
    """How a chunk ended that the store was asked for."""

    OK = "ok"
    LATE = "late"
    FAILED = "failed"


@dataclass(slots=True)
class ChunkCounts:
    """Chunks that the store was not asked for, and second attempts.

    Attributes
    ----------
    refused : int
        Left out because of the circuit breaker.
    crowded : int
        Late before their turn came.
    repeats, repeats_won, repeats_denied : int
        Second attempts, those that answered first, and those that were due but beyond the budget.
    """

    refused: int = 0
    crowded: int = 0
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
        self.seconds = {outcome: Histogram() for outcome in Outcome}
        self.attempts: set[asyncio.Task[FeatureBatch]] = set()
        self.late_share = 0.0
        self._most_in_flight = most_in_flight
        self._hedge = hedge
        self._budget = REPEATS_AT_ONCE
        self._waiting: deque[Callable[[], None]] = deque()
        self._failures = 0

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return len(self.attempts)

    @property
    def repeat_after_s(self) -> float:
        """After how many seconds without an answer a second attempt is due."""
        return max(self.latencies.p95_s, SOONEST_S) if self._hedge else math.inf

    def enter(self, begin: Callable[[], None]) -> None:
        """Call `begin` when there is room, which is now or later."""
        if self.in_flight < self._most_in_flight:
            begin()
        else:
            self._waiting.append(begin)

    def attempt_ended(self, attempt: "asyncio.Task[FeatureBatch]") -> None:
        """Make room."""
        self.attempts.discard(attempt)
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
        self.seconds[Outcome.OK].observe(seconds)
        self.counts.repeats_won += by_repeat
        self._budget = min(self._budget + REPEATS_PER_CHUNK, REPEATS_AT_ONCE)
        self.latencies.add(seconds)
        self.late_share *= 1 - LATE_WEIGHT
        self.breaker.succeeded()
        self._failures = 0

    def lost(
        self, why: Lost, began: float, now: float, deadline: float, error: Exception | None
    ) -> None:
        """Note a chunk that ended without rows."""
        outcome = Outcome.FAILED if why is Lost.FAILED else Outcome.LATE
        self.seconds[outcome].observe(now - began)
        if outcome is Outcome.FAILED:
            self.breaker.failed(now)
            self._log(f"failed: {error}")
            return
        self.late_share += (1 - self.late_share) * LATE_WEIGHT
        allowed_s, p95_s = deadline - began, self.latencies.p95_s
        if now - deadline > BLOCKED_S:
            self.breaker.abandoned()
        elif allowed_s >= (FAIR_PERCENTILES * p95_s if math.isfinite(p95_s) else FAIR_S):
            self.breaker.failed(now)
            self._log(f"did not answer within {allowed_s:.3f} s")
        else:
            self.breaker.abandoned()

    def measurements(self) -> Iterator[Measurement]:
        """Return what an operator wants to know of the store."""
        about = "Chunks of ids by how long the store took and what came of it."
        for outcome, seconds in self.seconds.items():
            yield histogram("store_chunk_seconds", about, seconds, outcome=outcome)
        counts = self.counts
        about = "Chunks that the store was not asked for: refused by the breaker, or crowded out."
        yield counter("store_chunks_skipped", about, counts.refused, reason="refused")
        yield counter("store_chunks_skipped", about, counts.crowded, reason="crowded")
        about = "Second attempts for late or failed chunks; denied: beyond a tenth of all chunks."
        lost = counts.repeats - counts.repeats_won
        yield counter("store_hedges", about, counts.repeats_won, outcome="won")
        yield counter("store_hedges", about, lost, outcome="lost")
        yield counter("store_hedges", about, counts.repeats_denied, outcome="denied")
        about = "Calls of the store that are under way."
        yield gauge("store_calls_in_flight", about, self.in_flight)
        about = "Workers whose circuit breaker is in this state."
        for state in BreakerState:
            yield gauge("store_breaker_state", about, int(self.breaker.state is state), state=state)
        about = "How often a circuit breaker opened because the store failed nearly always."
        yield counter("store_breaker_openings", about, self.breaker.openings)
        about = "The 95th percentile of the store's latest answers, after which a hedge is sent."
        yield highest("store_chunk_p95_seconds", about, self.latencies.known_p95_s)

    def _log(self, what: str) -> None:
        """Log the 1st, 2nd, 4th, 8th and so on in a row."""
        self._failures += 1
        if self._failures & (self._failures - 1) == 0:
            logger.warning("the feature store %s (%d chunks in a row)", what, self._failures)
