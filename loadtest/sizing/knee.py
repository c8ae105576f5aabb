"""The highest rate that meets the objective: up by factors until it breaks, then bisected."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from loadtest.sizing.objective import Step, Verdict

__all__ = ["NoKnee", "Search", "find_knee"]


class NoKnee(RuntimeError):
    """No rate met the objective, or none that was allowed broke it."""


@dataclass(frozen=True, slots=True)
class Search:
    """The loads of a search, in their order, and what it ended between.

    Attributes
    ----------
    passed, broken : Step
        The highest that met the objective, and the lowest above it that did not; where this is
        inconclusive, the generator's end was found and not the node's.
    """

    steps: tuple[Step, ...]
    passed: Step
    broken: Step

    @property
    def conclusive(self) -> bool:
        """Whether it is the node that broke."""
        return self.broken.verdict is not Verdict.INCONCLUSIVE


def find_knee(
    load: Callable[[float], Step],
    start: float,
    growth: float = 2.0,
    precision: float = 0.05,
    limits: tuple[float, float] = (1.0, 1e6),
) -> Search:
    """Search for the knee.

    A rate that breaks the objective is loaded once more, and the second load decides: a burst of
    somebody else's on the machine is no end of the node.

    Parameters
    ----------
    load : callable
        Loads the node at a rate, in requests a second.
    start, growth : float
        The first rate, and the factor to the next one; downwards if the first breaks.
    precision : float
        The search ends when the broken rate is less than 1 + `precision` times the passed one.
    limits : pair of float
        Rates to stay within.

    Raises
    ------
    NoKnee
        Every rate within the limits meets the objective, or none does.
    """
    steps = _sure(load, start)
    upwards = _met(steps[-1])
    before = last = steps[-1]
    while _met(last) is upwards:
        rate = last.rate * (growth if upwards else 1 / growth)
        if not limits[0] <= rate <= limits[1]:
            raise NoKnee(_no_knee(last))
        steps += _sure(load, rate)
        before, last = last, steps[-1]
    passed, broken = (before, last) if upwards else (last, before)
    while broken.rate > (1 + precision) * passed.rate:
        steps += _sure(load, math.sqrt(passed.rate * broken.rate))
        passed, broken = (steps[-1], broken) if _met(steps[-1]) else (passed, steps[-1])
    return Search(tuple(steps), passed, broken)


def _sure(load: Callable[[float], Step], rate: float) -> list[Step]:
    """Load once, and once more if that broke the objective."""
    first = load(rate)
    return [first] if _met(first) else [first, load(rate)]


def _met(step: Step) -> bool:
    return step.verdict is Verdict.MET


def _no_knee(step: Step) -> str:
    if _met(step):
        return f"{step.rate:g} requests a second still met the objective"
    if step.verdict is Verdict.INCONCLUSIVE:
        return f"the generator was late even at {step.rate:g} requests a second"
    return f"even {step.rate:g} requests a second broke the objective: {step.verdict}"
