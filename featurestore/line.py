"""The line to one store: what all chunks that go over it share."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from featurestore.batch import FeatureBatch, Lost
from featurestore.breaker import Breaker, BreakerState
from featurestore.errors import StoreCorrupt
from featurestore.failurelog import FailureLog
from featurestore.latency import Latencies
from featurestore.measurement import Histogram, Measurement, counter, gauge, highest, histogram

__all__ = ["ChunkCounts", "Line", "Outcome"]

# Second attempts may add a tenth to the load, so that a store which is slow for want of capacity
# isn't asked twice for everything (Dean & Barroso, "The tail at scale", CACM 56(2), 2013).
HEDGES_PER_CHUNK = 0.1
HEDGES_AT_ONCE = 10.0
# Beyond the 95th percentile: the event loop's timers have milliseconds, so that of a store whose
# answers all take as long, nearly all would be late, and use up the budget of those that are.
MARGIN_S = 0.002
# A chunk that is late counts against the store when it had as long as this many 95th percentiles,
# or as this many seconds when none is known: a caller in a hurry says nothing about the store.
FAIR_PERCENTILES = 3.0
FAIR_S = 0.05
# Unless nobody got an answer for so many seconds.
SILENT_S = 1.0
# Nor does one that was looked at so many seconds after its deadline, by an event loop that
# something else had kept from taking in the answer.
BLOCKED_S = 0.1


class Outcome(StrEnum):
    """How a chunk ended that the store was asked for."""

    OK = "ok"
    PARTIAL = "partial"  # some rows were lost, and others came
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
    hedges, hedges_won, hedges_denied : int
        Second attempts, those that answered first, and those that were due but beyond the budget.
    """

    refused: int = 0
    crowded: int = 0
    hedges: int = 0
    hedges_won: int = 0
    hedges_denied: int = 0


class Line:
    """Bounded concurrency, a circuit breaker, and what was seen of the store.

    Parameters
    ----------
    chunks_in_flight : int
        Attempts at once; chunks beyond that wait for their turn, until their deadline.
    hedge : bool
        Whether a chunk may be asked for a second time, when it is late or has failed.
    """

    def __init__(self, *, chunks_in_flight: int, hedge: bool) -> None:
        self.breaker = Breaker()
        self.latencies = Latencies()
        self.counts = ChunkCounts()
        self.seconds = {outcome: Histogram() for outcome in Outcome}
        self.attempts: set[asyncio.Task[FeatureBatch]] = set()
        self._chunks_in_flight = chunks_in_flight
        self._hedge = hedge
        self._answered_at = 0.0
        self._budget = HEDGES_AT_ONCE
        self._log = FailureLog("reading the feature store")
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return len(self.attempts)

    @property
    def hedge_after_s(self) -> float:
        """After how many seconds without an answer a second attempt is due."""
        return self.latencies.p95_s + MARGIN_S if self._hedge else math.inf

    def enter(self, begin: Callable[[], None]) -> None:
        """Call `begin` when there is room, which is now or later."""
        if self.in_flight < self._chunks_in_flight:
            begin()
        else:
            self._waiting.append(begin)

    def attempt_ended(self, attempt: "asyncio.Task[FeatureBatch]") -> None:
        """Make room."""
        self.attempts.discard(attempt)
        while self._waiting and self.in_flight < self._chunks_in_flight:
            self._waiting.popleft()()

    def may_hedge(self) -> bool:
        """Whether a second attempt may be made now; a yes uses up some of its budget."""
        allowed = self._hedge and self._budget >= 1 and self.in_flight < self._chunks_in_flight
        self.counts.hedges += allowed
        self.counts.hedges_denied += self._hedge and not allowed
        self._budget -= allowed
        return allowed

    def answered(self, seconds: float, outcome: Outcome, *, by_hedge: bool) -> None:
        """Note rows that came so many seconds after the first attempt began."""
        self.seconds[outcome].observe(seconds)
        self.counts.hedges_won += by_hedge
        self._budget = min(self._budget + HEDGES_PER_CHUNK, HEDGES_AT_ONCE)
        if outcome is Outcome.OK:
            self.latencies.add(seconds)
        self._answered_at = time.monotonic()
        self.breaker.succeeded()
        if outcome is Outcome.PARTIAL:
            self._log.failed("a part of the rows was lost")
        else:
            self._log.succeeded()

    def lost(
        self, why: Lost, began: float, now: float, deadline: float, error: Exception | None
    ) -> None:
        """Note a chunk that ended without rows."""
        outcome = Outcome.FAILED if why is Lost.FAILED else Outcome.LATE
        self.seconds[outcome].observe(now - began)
        if isinstance(error, StoreCorrupt):  # of one table; others may be well
            self.breaker.abandoned()
            self._log.failed(error)
            return
        if outcome is Outcome.FAILED:
            self.breaker.failed(now)
            self._log.failed(error or "all rows of a chunk were lost")
            return
        allowed_s, p95_s = deadline - began, self.latencies.p95_s
        fair_s = FAIR_PERCENTILES * p95_s if math.isfinite(p95_s) else FAIR_S
        if now - deadline > BLOCKED_S:
            self.breaker.abandoned()
        elif allowed_s >= fair_s or now - self._answered_at > SILENT_S:
            self.breaker.failed(now)
            self._log.failed(f"no answer within {allowed_s:.3f} s")
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
        about = "Second attempts, for chunks that were late or had failed."
        yield counter("store_hedges", about, counts.hedges)
        about = "Second attempts that answered first."
        yield counter("store_hedges_won", about, counts.hedges_won)
        about = "Second attempts that were due but beyond a tenth of all chunks."
        yield counter("store_hedges_denied", about, counts.hedges_denied)
        about = "Calls of the store that are under way."
        yield gauge("store_calls_in_flight", about, self.in_flight)
        about = "Workers whose circuit breaker is in this state."
        for state in BreakerState:
            yield gauge("store_breaker_state", about, int(self.breaker.state is state), state=state)
        about = "How often a circuit breaker opened because the store failed nearly always."
        yield counter("store_breaker_openings", about, self.breaker.openings)
        about = "The 95th percentile of the store's latest answers, after which a hedge is sent."
        yield highest("store_chunk_p95_seconds", about, self.latencies.known_p95_s)
