"""A node tried at any rate, and what that cost the generator."""

import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from loadtest.drivers import Load, PythonDriver
from loadtest.result import Result
from loadtest.sizing.objective import Effort, Objective, Step

__all__ = ["Trial"]


@dataclass(frozen=True, slots=True)
class Trial:
    """Has a server loaded, open-loop, at any rate, and judges it."""

    load: Load
    objective: Objective

    def __call__(self, rate: float) -> Step:
        """Load the server and judge how it did.

        Raises
        ------
        DriverError
            Nothing was answered.
        """
        begin, before, machine = time.monotonic(), _scheduled(), _machine()
        result = PythonDriver().run(replace(self.load, rate=rate))
        passed = time.monotonic() - begin
        ran, waited = ((b - a) / passed for a, b in zip(before, _scheduled(), strict=True))
        others = (_machine() - machine - _known(result)) / passed - ran
        effort = Effort(ran, waited, max(others, 0.0))
        return Step(result, effort, self.objective.judge(result, effort))


def _scheduled() -> tuple[float, float]:
    """Seconds that this process ran, and those that this thread, which sends, waited for a core."""
    waited = Path("/proc/thread-self/schedstat").read_text().split()[1]
    return time.process_time(), int(waited) / 1e9


def _machine() -> float:
    """Seconds that all processes ran, on all cores together."""
    user, nice, system = Path("/proc/stat").read_text().split(maxsplit=4)[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def _known(result: Result) -> float:
    """Return the seconds of the server and its store, as far as they can be seen."""
    seen = (result.cpu_seconds, result.store_cpu_seconds)
    return sum(each for each in seen if not math.isnan(each))
