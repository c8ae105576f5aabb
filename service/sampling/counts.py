"""What was drawn where in a worker, and what became of its GPU."""

import logging
from collections.abc import Iterator
from threading import Lock

from bandit.crossovers import Backend
from featurestore import Measurement
from featurestore.measurement import counter

__all__ = ["DrawCounts"]

log = logging.getLogger("bandit_serve.sampler")

CPU, THREADS = Backend.CPU, Backend.THREADS


class DrawCounts:
    """An observer of the worker's `Dispatch`, whose calls come from several threads."""

    def __init__(self) -> None:
        self._cpu = self._threads = self._gpu = 0
        self.failures = 0
        self._in_a_row = 0
        self._lock = Lock()

    def drew(self, backend: Backend, arms: int) -> None:
        """Count the draws of one call."""
        # Without the lock: threads take turns at calls and loops alone, and a sum has neither.
        if backend is CPU:
            self._cpu += arms
        elif backend is THREADS:
            self._threads += arms
        else:
            self._gpu += arms

    def failed(self, error: Exception) -> None:
        """Count a failure of the GPU, and log the first in a row."""
        with self._lock:
            self.failures += 1
            self._in_a_row += 1
            first = self._in_a_row == 1
        if first:
            # as text: a record may be kept, and an error keeps the frames of the failed call
            said = f"{type(error).__name__}: {error}"
            log.warning("the GPU failed, the CPU draws in its place: %s", said)

    def recovered(self) -> None:
        """Log that a row of failures has ended."""
        with self._lock:
            times, self._in_a_row = self._in_a_row, 0
        log.warning("the GPU draws again; it had failed %d times in a row", times)

    def measurements(self) -> Iterator[Measurement]:
        """See `featurestore.Measured.measurements`."""
        about = "Arms that each back end drew a score for."
        all_draws = (self._cpu, self._threads, self._gpu)
        for backend, draws in zip(Backend, all_draws, strict=True):
            yield counter("draws", about, draws, backend=backend)
        about = (
            "Calls that the GPU failed, so that the CPU answered; the log has the first in a row."
        )
        yield counter("gpu_failures", about, self.failures)
