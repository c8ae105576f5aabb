"""Where a request's time went."""

from time import perf_counter

__all__ = ["STAGES", "Stages"]

STAGES = ("decode", "features", "score", "rank", "draw", "encode")
SHORT = [b";dur=%.3f" % (us / 1e3) for us in range(1000)]  # formatting takes 5 times as long
NAMES = {stage: stage.encode() for stage in STAGES}


class Stages:
    """A stop-watch over the stages of one request, for Server-Timing and the metrics.

    Attributes
    ----------
    durations : list of (str, float)
        The stages that ended, of `STAGES`, and their seconds.
    """

    def __init__(self) -> None:
        self.durations: list[tuple[str, float]] = []
        self._last = perf_counter()

    def done(self, name: str) -> None:
        """End the stage that began when the last one ended."""
        now = perf_counter()
        self.durations.append((name, now - self._last))
        self._last = now

    def header(self) -> bytes:
        """Return the value of Server-Timing (W3C), in milliseconds."""
        return b", ".join([NAMES[name] + _in_ms(seconds) for name, seconds in self.durations])


def _in_ms(seconds: float) -> bytes:
    us = int(seconds * 1e6 + 0.5)
    return SHORT[us] if us < 1000 else b";dur=%.3f" % (us / 1e3)
