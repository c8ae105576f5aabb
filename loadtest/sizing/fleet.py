"""Arithmetic of a fleet: nodes and cost for a target, from what one node bears."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CONFIDENCE", "HOURS_A_MONTH", "METHOD", "Estimate", "Fleet", "estimate", "nodes"]

HOURS_A_MONTH = 730
CONFIDENCE = 0.95
METHOD = "95 % Student t of the logarithm, widened by the step of the search"
ROUNDING = 1e-9  # a quotient that is an integer but for rounding needs no further node

# 97.5 % quantiles of Student's t with 1, 2, ... degrees of freedom
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate that was found several times, in requests a second.

    Attributes
    ----------
    low, high : float or None
        95 % interval of METHOD; None of a rate that was found once.
    """

    value: float
    low: float | None
    high: float | None
    times: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """What serves a target rate.

    Attributes
    ----------
    target_rps, knee_rps : float
        Requests a second that the fleet must answer, and that one node bears at most.
    headroom : float
        Share of the knee that is left free, in [0, 1).
    spare : int
        Nodes that may be lost without touching the headroom: 1 is N+1.
    node_price : float
        Of a node and an hour, in the currency.
    """

    target_rps: float
    knee_rps: float
    headroom: float = 0.3
    spare: int = 1
    node_price: float = 0.2
    currency: str = "$"

    @property
    def node_rps(self) -> float:
        """Requests a second that a node is given."""
        return self.knee_rps * (1 - self.headroom)

    @property
    def nodes(self) -> int:
        """Nodes, with the spare ones."""
        return nodes(self.target_rps, self.node_rps) + self.spare

    @property
    def price_an_hour(self) -> float:
        """Of all nodes."""
        return self.nodes * self.node_price

    @property
    def price_a_month(self) -> float:
        """Of all nodes, for 730 hours."""
        return self.price_an_hour * HOURS_A_MONTH

    @property
    def cost(self) -> str:
        """What it costs, in words."""
        hour, month = f"{self.price_an_hour:,.2f}", f"{self.price_a_month:,.0f}"
        return (
            f"{self.currency}{hour} an hour, {self.currency}{month} a month at "
            f"{self.currency}{self.node_price:,.2f} a node and hour"
        )


def nodes(target_rps: float, node_rps: float) -> int:
    """Return how many nodes of a rate make the target rate, at least 1.

    Raises
    ------
    ValueError
        A rate is not a finite positive number.
    """
    for name, value in (("target_rps", target_rps), ("node_rps", node_rps)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value}, must be finite and > 0")
    quotient = target_rps / node_rps
    return max(1, math.ceil(quotient * (1 - ROUNDING)))


def estimate(passed: Sequence[float], broken: Sequence[float]) -> Estimate:
    """Return the knee that several searches found.

    Parameters
    ----------
    passed, broken : sequences of float
        Of each search, the highest rate that met the objective and the lowest above it that did
        not; 1 to 10 searches.

    Notes
    -----
    The value is the geometric mean of `passed`. The interval is Student's t on the logarithm, which
    keeps it above 0; its upper end starts at `broken`, because the knee may be anywhere between.

    Raises
    ------
    ValueError
        There is no search, or more than 10, or one without its upper end.
    """
    times = len(passed)
    if not 1 <= times <= len(STUDENT) + 1 or times != len(broken):
        raise ValueError(f"{times} knees below {len(broken)} ends, must be 1 to 10 pairs")
    low, high = ([math.log(rate) for rate in rates] for rates in (passed, broken))
    value = math.exp(_mean(low))
    if times == 1:
        return Estimate(value, None, None, 1)
    return Estimate(
        value, math.exp(_mean(low) - _margin(low)), math.exp(_mean(high) + _margin(high)), times
    )


def _margin(values: Sequence[float]) -> float:
    mean, count = _mean(values), len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    return STUDENT[count - 2] * deviation / math.sqrt(count)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
