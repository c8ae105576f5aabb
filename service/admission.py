"""Bounded concurrency: what exceeds it is shed at once instead of queued."""

from collections.abc import Iterator

from featurestore import Measurement
from featurestore.measurement import gauge

__all__ = ["ADMITTED", "Admission"]

ADMITTED = "bandit.admitted"  # in the ASGI scope of a request that has a place


class Admission:
    """The places of a worker: every request in flight holds one.

    Attributes
    ----------
    limit : int
        How many there are.
    in_flight : int
        How many are taken.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0

    def measurements(self) -> Iterator[Measurement]:
        """See `featurestore.Measured.measurements`."""
        about = "Predictions being answered; near requests_in_flight_limit, requests are shed."
        yield gauge("requests_in_flight", about, self.in_flight)
        about = "Predictions that the workers answer at once at most; beyond it they answer 429."
        yield gauge("requests_in_flight_limit", about, self.limit)

    @property
    def full(self) -> bool:
        """Whether a further request would be refused."""
        return self.in_flight >= self.limit

    def enter(self) -> None:
        """Take a place."""
        self.in_flight += 1

    def leave(self) -> None:
        """Give it back."""
        self.in_flight -= 1
