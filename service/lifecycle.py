"""The stages of a worker's life, shared with the process that started it."""

from enum import IntEnum
from typing import Protocol

from service.errors import NotReady

__all__ = ["Lifecycle", "SharedStage", "Stage"]


class Stage(IntEnum):
    """What the launcher wants of its workers."""

    SERVING = 0
    LEAVING = 1  # health says 503 so that balancers look elsewhere; requests are answered
    DRAINING = 2  # requests in flight finish; new ones are refused


class SharedStage(Protocol):
    """A small integer in memory shared by launcher and workers (multiprocessing.RawValue)."""

    value: int


class LocalStage:
    """A stage for an application without a launcher."""

    value = int(Stage.SERVING)


class Lifecycle:
    """Reads the shared stage."""

    def __init__(self, shared: SharedStage | None = None) -> None:
        self._shared = shared or LocalStage()

    @property
    def stage(self) -> Stage:
        """The stage now."""
        return Stage(self._shared.value)

    @property
    def leaving(self) -> bool:
        """Whether clients should open no further connections to this node."""
        return self._shared.value != Stage.SERVING

    def require_serving(self) -> None:
        """Raise NotReady when new requests are refused."""
        if self._shared.value == Stage.DRAINING:
            raise NotReady("the service is draining")
