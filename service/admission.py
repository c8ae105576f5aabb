"""Bounded concurrency: what exceeds it is shed at once instead of queued."""

from types import TracebackType

from service.errors import Overloaded

__all__ = ["Admission"]


class Admission:
    """A context manager held by every request in flight; raises Overloaded beyond `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0

    def __enter__(self) -> None:
        if self.in_flight >= self.limit:
            raise Overloaded(self.limit)
        self.in_flight += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.in_flight -= 1
