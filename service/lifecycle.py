"""Whether a worker is leaving, as the process that started it says."""

from typing import Protocol

__all__ = ["LEAVING", "SERVING", "Lifecycle", "SharedFlag"]

SERVING = 0
LEAVING = 1  # health says 503 so that balancers look elsewhere; requests are still answered


class SharedFlag(Protocol):
    """A small integer in memory shared by launcher and workers (multiprocessing.RawValue)."""

    value: int


class Lifecycle:
    """Reads the flag that the launcher sets."""

    def __init__(self, flag: SharedFlag) -> None:
        self._flag = flag

    @property
    def leaving(self) -> bool:
        """Whether this node wants no further traffic."""
        return self._flag.value == LEAVING
