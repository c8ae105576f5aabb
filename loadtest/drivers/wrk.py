"""wrk: a closed loop, and the least CPU a request of all drivers."""

from collections.abc import Mapping
from pathlib import Path

from loadtest.drivers.driver import DriverError
from loadtest.drivers.program import check, found, output
from loadtest.drivers.pump import TIMEOUT_S
from loadtest.pacing import QUANTILES
from loadtest.result import Result
from loadtest.watch import Watched, watching
from loadtest.workload import Bodies

__all__ = ["WrkDriver", "outcome", "wrk"]

SCRIPT = Path(__file__).with_name("predict.lua")
OK = "200"
LOST = ("connect", "read", "write", "timeout")


class WrkDriver:
    """One thread of wrk. Its latencies are from the sending, and of all answers of any status."""

    name = "wrk"

    def run(
        self,
        url: str,
        bodies: Bodies,
        planned_rate: float | None,
        seconds: float,
        connections: int,
        watched: Watched,
    ) -> Result:
        """See `Driver.run`; a rate is a ValueError."""
        if planned_rate is not None:
            raise ValueError(f"rate is {planned_rate:g}, but wrk has no rate: it is a closed loop")
        with watching(watched, seconds) as watch:
            figures = wrk(url, bodies, None, seconds, connections)
        answered, errors = outcome(figures)
        if not answered:
            raise DriverError(f"{url} answered no request: {errors}")
        return Result(
            server=watched.server,
            driver=self.name,
            workload=bodies.workload,
            planned_rate=None,
            connections=connections,
            seconds=figures["duration"] / 1e6,
            sent=answered + sum(errors.values()),
            answered=answered,
            errors=errors,
            latency_ms={name: figures[name] / 1e3 for name in QUANTILES},
            cpu_seconds=watch.cpu_seconds,
            store_cpu_seconds=watch.store_cpu_seconds,
            samples=tuple(watch.samples),
        )


def wrk(
    url: str, bodies: Bodies, rate: float | None, seconds: float, connections: int
) -> dict[str, float]:
    """Run wrk and return what its script prints: answers by status, losses, and microseconds.

    With a rate, connections that are idle send at even times, which wrk's latencies don't count
    from: good for pressure, not for measuring it.
    """
    check(seconds, connections)
    program = found("wrk", "bin/wrk", "on Debian: apt-get install wrk")
    command = [program, "-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}s"]
    command += ["--timeout", f"{TIMEOUT_S:.0f}s"]
    command += ["-s", str(SCRIPT), url, "--", str(bodies.file), *([f"{rate}"] if rate else [])]
    printed = output(command, seconds)
    lines = [line for line in printed.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise DriverError(f"wrk failed: {printed.strip()}")
    pairs = (pair.split("=") for pair in lines[0].split()[1:])
    return {name: float(value) for name, value in pairs}


def outcome(figures: Mapping[str, float]) -> tuple[int, dict[str, int]]:
    """Return how many requests of `wrk` were answered 200, and the errors by kind."""
    counts = {name: int(n) for name, n in figures.items() if name.isdigit() or name in LOST}
    return counts.pop(OK, 0), {name: count for name, count in counts.items() if count}
