"""Axes: from values to pixels, with ticks at round values."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Scale", "linear", "logarithmic"]

ROUND = (1, 2, 2.5, 5, 10)
DECADES = 3  # with more of them, only powers of ten have a tick


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high` over the pixels `begin` to `end`."""

    low: float
    high: float
    begin: float
    end: float
    ticks: tuple[float, ...]
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high = self._placed(self.low), self._placed(self.high)
        part = (self._placed(value) - low) / (high - low)
        return self.begin + part * (self.end - self.begin)

    def holds(self, value: float) -> bool:
        """Whether a value lies within the axis."""
        return self.low <= value <= self.high

    def _placed(self, value: float) -> float:
        return math.log(value) if self.log else value


def linear(values: Iterable[float], begin: float, end: float, ticks: int = 5) -> Scale:
    """Return an axis from 0 to a round value that none of the values exceeds."""
    top = max(values, default=0.0) or 1.0
    size = 10 ** math.floor(math.log10(top / ticks))
    step = next(size * part for part in ROUND if size * part * ticks >= top * (1 - 1e-9))
    count = math.ceil(top / step - 1e-9)
    return Scale(0.0, count * step, begin, end, tuple(i * step for i in range(count + 1)))


def logarithmic(values: Iterable[float], begin: float, end: float) -> Scale:
    """Return a logarithmic axis between round values that hold all that are above 0."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = _rounded_down(min(positive)), -_rounded_down(-max(positive))
    high = high if high > low else 10 * low
    parts = (1,) if math.log10(high / low) > DECADES else (1, 2, 5)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = (part * 10.0**decade for decade in decades for part in parts)
    return Scale(low, high, begin, end, tuple(t for t in ticks if _within(t, low, high)), log=True)


def _rounded_down(value: float) -> float:
    """Return the nearest 1, 2 or 5 times a power of ten that is not above; away from 0 if < 0."""
    size = 10.0 ** math.floor(math.log10(abs(value)))
    parts = [part * size for part in (1, 2, 5, 10)]
    if value > 0:
        return max(part for part in parts if part <= value * (1 + 1e-9))
    return -min(part for part in parts if part >= -value * (1 - 1e-9))


def _within(value: float, low: float, high: float) -> bool:
    return low * (1 - 1e-9) <= value <= high * (1 + 1e-9)
