"""What a node must meet, and whether a load showed that it does."""

from dataclasses import dataclass
from enum import StrEnum

from loadtest.drivers.connection import NOT_SENT
from loadtest.result import Result

__all__ = ["Effort", "Objective", "Step", "Verdict"]

ON_TIME = 0.98  # of the planned requests; a generator that sends fewer was late
LATE = 0.5  # of the latency that is allowed: so late, the generator makes what is measured
BUSY = 0.85  # of a core that the generator ran or waited for; it has one


class Verdict(StrEnum):
    """What a load at one rate showed."""

    MET = "met"
    LATENCY = "latency"
    ERRORS = "errors"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Effort:
    """What a load took of the generator's machine, in cores.

    Attributes
    ----------
    cores, waited : float
        Those that the generator kept busy, and those that it waited for while others ran.
    others : float
        Those that processes kept busy that are neither generator nor server nor store.
    """

    cores: float
    waited: float = 0.0
    others: float = 0.0

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

        A load that broke it is inconclusive when the generator was late for want of CPU; one that
        was late for want of connections waited for the server, which is latency.
        """
        if self._met(result):
            return Verdict.MET
        if result.sent == 0 or (self._late(result) and effort.wanted > BUSY):
            return Verdict.INCONCLUSIVE
        answered_wrong = sum(result.errors.values()) - result.errors.get(NOT_SENT, 0)
        if answered_wrong > self.error_budget * result.sent:
            return Verdict.ERRORS
        return Verdict.LATENCY

    def _met(self, result: Result) -> bool:
        failed = sum(result.errors.values())
        return (
            failed <= self.error_budget * (result.answered + failed)
            and not _too_few(result)
            and result.latency_ms[self.quantile] <= self.latency_ms
        )

    def _late(self, result: Result) -> bool:
        late_ms = result.sent_late_ms.get(self.quantile, 0.0)
        return _too_few(result) or late_ms > LATE * self.latency_ms


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


def _too_few(result: Result) -> bool:
    return result.planned_rate is not None and result.sent_rate < ON_TIME * result.planned_rate
