"""Bounded concurrency: what exceeds it is shed at once instead of queued."""

from collections.abc import Iterator
from types import TracebackType

from featurestore import Measurement
from featurestore.measurement import gauge
from service.errors import Overloaded

__all__ = ["Admission"]


class Admission:
    """A context manager held by every request in flight; raises Overloaded beyond `limit`."""

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

    def __enter__(self) -> None:
        if self.full:
            raise Overloaded(self.limit)
        self.in_flight += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.in_flight -= 1
