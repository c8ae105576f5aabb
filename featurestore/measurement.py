"""What a part says about itself, in terms that any monitoring system understands."""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, Protocol, runtime_checkable

__all__ = [
    "SECONDS",
    "Histogram",
    "Kind",
    "Measured",
    "Measurement",
    "counter",
    "gauge",
    "highest",
    "histogram",
]

# From 10 us, a stage over few candidates, to 1 s, past the deadline of any model
SECONDS = (
    *(1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3),
    *(5e-3, 1e-2, 2.5e-2, 5e-2, 1e-1, 2.5e-1, 5e-1, 1.0),
)


class Kind(StrEnum):
    """What a figure means, and so how the figures of several processes make one."""

    COUNTER = "counter"  # only grows; summed, also over processes that ended
    GAUGE = "gauge"  # a level; summed over the processes that run
    HIGHEST = "highest"  # a level; the highest of the processes that run
    HISTOGRAM = "histogram"  # only grows; summed, also over processes that ended


class Histogram:
    """Counts observations by their size.

    Parameters
    ----------
    bounds : sequence of float
        Upper bounds of the buckets, in ascending order and finite; an observation equal to a bound
        is within it.

    Attributes
    ----------
    counts : list of int
        Observations in each bucket alone (not cumulative); the last is of those above all bounds.
    sum : float
        All observations added up.
    """

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        if not (bounds and all(map(math.isfinite, bounds))):
            raise ValueError(f"bounds are {bounds}, must be finite numbers")
        if not all(a < b for a, b in pairwise(bounds)):
            raise ValueError(f"bounds are {bounds}, must be in ascending order")
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one observation, in base units (seconds, bytes)."""
        bucket = 0
        for bound in self.bounds:  # few are passed: most stages take some 10 us
            if value <= bound:
                break
            bucket += 1
        self.counts[bucket] += 1
        self.sum += value

    def add(self, other: "Histogram") -> None:
        """Count all observations of another one too; ValueError when its bounds differ."""
        if self.bounds != other.bounds:
            raise ValueError(f"bounds are {other.bounds}, must be {self.bounds}")
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum

    def copy(self) -> "Histogram":
        """Return one with the same observations."""
        twin = Histogram(self.bounds)
        twin.add(self)
        return twin


class Measurement(NamedTuple):
    """One figure, at one instant.

    Attributes
    ----------
    name : str
        In lower case with underscores, without the project's prefix; ends in its base unit if it
        has one (`_seconds`, `_bytes`), and a counter's doesn't end in `_total`.
    kind : Kind
        What it means.
    help : str
        One sentence for an operator; the same for all labels of a name.
    value : float or Histogram
        A histogram is the live one: read it at once.
    labels : tuple of (str, str)
        Names and values; the same names, in the same order, for all of a name.
    """

    name: str
    kind: Kind
    help: str
    value: float | Histogram
    labels: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class Measured(Protocol):
    """A part that can be asked for its figures."""

    def measurements(self) -> Iterable[Measurement]:
        """Return every figure, also those that are 0, from memory and without waiting."""
        ...


def counter(name: str, about: str, value: float, **labels: str) -> Measurement:
    """Return how often something happened since the process started."""
    return Measurement(name, Kind.COUNTER, about, value, tuple(labels.items()))


def gauge(name: str, about: str, value: float, **labels: str) -> Measurement:
    """Return how much there is now; several processes have the sum."""
    return Measurement(name, Kind.GAUGE, about, value, tuple(labels.items()))


def highest(name: str, about: str, value: float, **labels: str) -> Measurement:
    """Return how much there is now; of several processes the highest counts."""
    return Measurement(name, Kind.HIGHEST, about, value, tuple(labels.items()))


def histogram(name: str, about: str, value: Histogram, **labels: str) -> Measurement:
    """Return how often something took how long, or was how large."""
    return Measurement(name, Kind.HISTOGRAM, about, value, tuple(labels.items()))
