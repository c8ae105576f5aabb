"""Where a request's time went."""

from time import perf_counter

__all__ = ["Stages"]


class Stages:
    """A stop-watch over the stages of one request, for the Server-Timing header."""

    def __init__(self) -> None:
        self._durations: list[tuple[str, float]] = []
        self._last = perf_counter()

    def done(self, name: str) -> None:
        """End the stage that began when the last one ended."""
        now = perf_counter()
        self._durations.append((name, now - self._last))
        self._last = now

    def header(self) -> bytes:
        """Return the value of Server-Timing (W3C), in milliseconds."""
        return ", ".join(f"{name};dur={s * 1e3:.3f}" for name, s in self._durations).encode()
