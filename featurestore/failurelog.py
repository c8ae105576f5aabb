"""Log lines about what fails again and again."""

import logging
import time

__all__ = ["FailureLog"]

logger = logging.getLogger("bandit_serve.featurestore")


class FailureLog:
    """Logs the 1st, 2nd, 4th, 8th failure in a row and so on, and the end of a row.

    Parameters
    ----------
    what : str
        Begins a line: "reading the store".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._times = 0
        self._since = 0.0

    def failed(self, error: object) -> None:
        """Note one more failure."""
        self._times += 1
        if self._times == 1:
            self._since = time.monotonic()
        if self._times & (self._times - 1) == 0:
            # as text: a record may be kept, and an error keeps the frames of the failed call
            said = str(error)
            logger.warning("%s failed, %d times in a row: %s", self._what, self._times, said)

    def succeeded(self) -> None:
        """End the row."""
        if self._times:
            seconds = time.monotonic() - self._since
            logger.warning(
                "%s works again, after %d failures in %.1f s", self._what, self._times, seconds
            )
            self._times = 0
