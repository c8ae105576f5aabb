"""What a node must meet, and whether a load showed that it does."""

from dataclasses import dataclass
from enum import StrEnum

from loadtest.result import Result

__all__ = ["Effort", "Objective", "Step", "Verdict"]

ON_TIME = 0.98  # of the planned requests; a generator that sends fewer was late
BUSY = 0.85  # of a core that the generator ran or waited for; it has one


class Verdict(StrEnum):
    """What a load at one rate showed."""

    MET = "met"
    LATENCY = "latency"
    ERRORS = "errors"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Effort:
    """Cores that the generator kept busy, and those that it waited for while others ran."""

    cores: float
    waited: float = 0.0

    @property
    def wanted(self) -> float:
        """Cores that it would have used, had they been free."""
        return self.cores + self.waited


@dataclass(frozen=True, slots=True)
class Objective:
    """Latency that a quantile must keep to, in ms, and the share of errors that is allowed."""

    quantile: str = "p99"
    latency_ms: float = 100.0
    error_budget: float = 0.001

    def judge(self, result: Result, effort: Effort) -> Verdict:
        """Say whether an open-loop load met it.

        A load that went out too slowly is inconclusive when the generator lacked CPU; else it
        waited for connections, which is the server's latency.
        """
        if result.sent == 0 or (_late(result) and effort.wanted > BUSY):
            return Verdict.INCONCLUSIVE
        if result.sent - result.answered > self.error_budget * result.sent:
            return Verdict.ERRORS
        if _late(result) or not result.latency_ms[self.quantile] <= self.latency_ms:
            return Verdict.LATENCY
        return Verdict.MET


@dataclass(frozen=True, slots=True)
class Step:
    """One load of a search at its planned rate."""

    result: Result
    effort: Effort
    verdict: Verdict

    @property
    def rate(self) -> float:
        """Requests a second as planned."""
        return self.result.planned_rate or self.result.sent_rate


def _late(result: Result) -> bool:
    return result.planned_rate is not None and result.sent_rate < ON_TIME * result.planned_rate
