"""wrk: a closed loop, and the least CPU a request of all drivers."""

from collections.abc import Mapping
from pathlib import Path

from loadtest.drivers.driver import DriverError, Load
from loadtest.drivers.program import check, found, output
from loadtest.drivers.pump import TIMEOUT_S
from loadtest.pacing import QUANTILES
from loadtest.result import Result
from loadtest.watch import watching

__all__ = ["WrkDriver", "outcome", "wrk"]

SCRIPT = Path(__file__).with_name("predict.lua")
OK = "200"
LATE = "timeout"  # of an answer that came, and has its status too; hardly anything else is late
LOST = ("connect", "read", "write", LATE)


class WrkDriver:
    """One thread of wrk. Its latencies are from the sending, and of all answers of any status."""

    name = "wrk"

    def run(self, load: Load) -> Result:
        """See `Driver.run`; a rate is a ValueError."""
        if load.rate is not None:
            raise ValueError(f"rate is {load.rate:g}, but wrk has no rate: it is a closed loop")
        target = load.target
        with watching(target.watched, load.seconds) as usage:
            figures = wrk(load)
        answered, errors = outcome(figures)
        if not answered:
            raise DriverError(f"{target.url} answered no request: {errors}")
        return Result(
            server=target.watched.server,
            driver=self.name,
            workload=target.bodies.workload,
            planned_rate=None,
            connections=load.connections,
            seconds=figures["duration"] / 1e6,
            sent=answered + sum(errors.values()),
            answered=answered,
            errors=errors,
            latency_ms={name: figures[name] / 1e3 for name in QUANTILES},
            cpu_seconds=usage.cpu_seconds,
            store_cpu_seconds=usage.store_cpu_seconds,
            samples=tuple(usage.samples),
        )


def wrk(load: Load) -> dict[str, float]:
    """Run wrk and return what its script prints: answers by status, losses, and microseconds.

    With a rate, connections that are idle send at even times, which wrk's latencies don't count
    from: good for pressure, not for measuring it.
    """
    check(load, whole=True)
    program = found("wrk", "bin/wrk", "on Debian: apt-get install wrk")
    command = [program, "-t", "1", "-c", str(load.connections), "-d", f"{load.seconds:.0f}s"]
    command += ["--timeout", f"{TIMEOUT_S:.0f}s"]
    command += ["-s", str(SCRIPT), load.target.url, "--", str(load.target.bodies.file)]
    printed = output([*command, *([f"{load.rate}"] if load.rate else [])], load.seconds)
    lines = [line for line in printed.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise DriverError(f"wrk failed: {printed.strip()}")
    pairs = (pair.split("=") for pair in lines[0].split()[1:])
    return {name: float(value) for name, value in pairs}


def outcome(figures: Mapping[str, float]) -> tuple[int, dict[str, int]]:
    """Return how many requests of `wrk` were answered 200 in time, and the errors by kind."""
    counts = {name: int(n) for name, n in figures.items() if name.isdigit() or name in LOST}
    answered = max(0, counts.pop(OK, 0) - counts.get(LATE, 0))
    return answered, {name: count for name, count in counts.items() if count}
