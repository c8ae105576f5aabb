"""Where a request's time went."""

from time import perf_counter

from plainhttp import server_timing

__all__ = ["STAGES", "Stages"]

STAGES = ("decode", "features", "score", "rank", "draw", "encode")


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
        return server_timing(self.durations)
