"""What every driver does."""

from typing import Protocol

from loadtest.result import Result
from loadtest.watch import Watched
from loadtest.workload import Bodies

__all__ = ["Driver", "DriverError"]


class DriverError(RuntimeError):
    """A load that could not be made: a program that is missing or failed, a server not there."""


class Driver(Protocol):
    """A load generator."""

    @property
    def name(self) -> str:
        """What results and options call it."""
        ...

    def run(
        self,
        url: str,
        bodies: Bodies,
        planned_rate: float | None,
        seconds: float,
        connections: int,
        watched: Watched,
    ) -> Result:
        """Post the bodies in turn, over and over, and measure.

        Parameters
        ----------
        url : str
            Where they are posted, with its path: ``http://127.0.0.1:8000/predict``.
        planned_rate : float or None
            Requests a second of an open-loop load, sent whether or not earlier ones are answered;
            None: a closed loop, each connection sends as soon as it was answered.
        seconds : float
            Length of the load, without a warm-up, which is the caller's.
        connections : int
            Connections, so the most requests in flight.

        Raises
        ------
        DriverError
            The load could not be made: nothing was answered, say, or the program is missing.
        ValueError
            An option is out of range, or the driver can't do what is asked.
        """
        ...
