"""What every driver does."""

from dataclasses import dataclass
from typing import Protocol

from loadtest.result import Result
from loadtest.target import Target

__all__ = ["Driver", "DriverError", "Load"]


class DriverError(RuntimeError):
    """A load that could not be made: a program that is missing or failed, a server not there."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of a driver.

    Attributes
    ----------
    seconds : float
        Its length, without a warm-up, which is the caller's.
    connections : int
        Connections, so the most requests in flight.
    rate : float or None
        Requests a second of an open loop, sent whether or not earlier ones are answered; None: a
        closed loop, each connection sends as soon as it was answered.
    """

    target: Target
    seconds: float
    connections: int
    rate: float | None = None


class Driver(Protocol):
    """A load generator."""

    @property
    def name(self) -> str:
        """What results and options call it."""
        ...

    def run(self, load: Load) -> Result:
        """Post the bodies in turn, over and over, and measure.

        Raises
        ------
        DriverError
            The load could not be made: nothing was answered, say, or the program is missing.
        ValueError
            A number is out of range, or the driver can't do what is asked.
        """
        ...
