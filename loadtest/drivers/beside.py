"""wrk offers a rate that Python can't send, and the Python driver takes latencies beside it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from loadtest.drivers.driver import Load
from loadtest.drivers.python import PythonDriver
from loadtest.drivers.wrk import outcome, wrk
from loadtest.result import Result

__all__ = ["BesideDriver"]

BYSTANDERS = 64  # connections of the few requests


class BesideDriver:
    """Counts are those of wrk; latencies, from their planned times, those of a few requests.

    Parameters
    ----------
    probe_rate : float
        How many a second.
    """

    name = "wrk at a rate, latencies by python"

    def __init__(self, probe_rate: float) -> None:
        self._probe_rate = probe_rate

    def run(self, load: Load) -> Result:
        """See `Driver.run`; without a rate it is a ValueError."""
        if load.rate is None:
            raise ValueError(f"{self.name} needs a rate")
        probe = replace(load, rate=self._probe_rate, connections=BYSTANDERS)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(wrk, load)
            bystander = PythonDriver().run(probe)
            figures = waiting.result()
        answered, errors = outcome(figures)
        return replace(
            bystander,
            driver=self.name,
            planned_rate=load.rate,
            seconds=figures["duration"] / 1e6,
            sent=answered + sum(errors.values()),
            answered=answered,
            errors=errors,
        )
