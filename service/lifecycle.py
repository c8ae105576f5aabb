"""Whether a worker is leaving, as the process that started it says."""

import asyncio
import signal
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

    def begin(self) -> None:
        """Leave it to the launcher when this worker ends; call it in the running event loop.

        A process manager may send SIGTERM to every process of the service. The launcher hears it,
        lets the balancers know, and ends its workers in time, by SIGINT.
        """
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)

    @property
    def leaving(self) -> bool:
        """Whether this node wants no further traffic."""
        return self._flag.value == LEAVING
