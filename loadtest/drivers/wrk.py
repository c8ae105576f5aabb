"""wrk: a closed loop, and the least CPU a request of all drivers."""

import math
import shutil
import subprocess
from pathlib import Path

from loadtest.drivers.driver import DriverError
from loadtest.pacing import QUANTILES
from loadtest.result import Result
from loadtest.watch import Watched, watching
from loadtest.workload import Bodies

__all__ = ["WrkDriver"]

SCRIPT = Path(__file__).with_name("predict.lua")
LOST = ("connect", "read", "write", "timeout")
SPARE_S = 30.0  # beyond the load


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
            found = _wrk(url, bodies.file, seconds, connections)
        requests, failed = int(found["requests"]), int(found["status"])
        if requests == failed:
            raise DriverError(f"{url} answered no request: {found}")
        lost = {name: int(found[name]) for name in LOST if found[name]}
        return Result(
            server=watched.server,
            driver=self.name,
            workload=bodies.workload,
            planned_rate=None,
            seconds=found["duration"] / 1e6,
            sent=requests + sum(lost.values()),
            answered=requests - failed,
            errors=lost | ({"4xx or 5xx": failed} if failed else {}),
            latency_ms={name: found[name] / 1e3 for name in QUANTILES},
            cpu_seconds=watch.cpu_seconds,
            store_cpu_seconds=watch.store_cpu_seconds,
            samples=tuple(watch.samples),
        )


def _wrk(url: str, file: Path, seconds: float, connections: int) -> dict[str, float]:
    """Run wrk; what its script prints, times in microseconds."""
    if not 1 <= seconds < math.inf:
        raise ValueError(f"seconds is {seconds}, must be whole and >= 1 for wrk")
    if connections < 1:
        raise ValueError(f"connections is {connections}, must be >= 1")
    program = shutil.which("wrk")
    if program is None:
        raise DriverError("wrk is not installed; on Debian: apt-get install wrk")
    command = [program, "-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}s"]
    command += ["-s", str(SCRIPT), url, "--", str(file)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + SPARE_S)
    except subprocess.TimeoutExpired as error:
        raise DriverError(f"wrk did not end within {error.timeout:.0f} s") from error
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not lines:
        raise DriverError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    pairs = (pair.split("=") for pair in lines[0].split()[1:])
    return {name: float(value) for name, value in pairs}
