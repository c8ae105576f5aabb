"""How long a store takes of late."""

import math

__all__ = ["Latencies"]

WINDOW = 256
RENEWED = 32  # a sort of the window costs 10 us; this many chunks share it


class Latencies:
    """The 95th percentile of the latest durations.

    Attributes
    ----------
    p95_s : float
        Seconds; infinite until enough was seen.
    """

    def __init__(self) -> None:
        self.p95_s = math.inf
        self._window: list[float] = []
        self._count = 0

    @property
    def known_p95_s(self) -> float:
        """The same, and 0 until enough was seen."""
        return self.p95_s if math.isfinite(self.p95_s) else 0.0

    def add(self, seconds: float) -> None:
        """Take in one duration."""
        if len(self._window) < WINDOW:
            self._window.append(seconds)
        else:
            self._window[self._count % WINDOW] = seconds
        self._count += 1
        if self._count % RENEWED == 0:
            self.p95_s = sorted(self._window)[int(0.95 * len(self._window))]
