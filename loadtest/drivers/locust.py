"""locust: users with a constant pacing, so an open loop only as long as answers are quick."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from loadtest.drivers.driver import DriverError, Load
from loadtest.drivers.program import check, found, output
from loadtest.pacing import quantiles
from loadtest.result import Result
from loadtest.watch import watching

__all__ = ["LocustDriver"]

SCRIPT = Path(__file__).with_name("locustfile.py")
REMEDY = "make build/locust/venv/bin/locust installs it aside"
OK = "200"


class LocustDriver:
    """One process of locust with as many users as connections.

    A user that waits for an answer beyond its pacing sends late, and the rate falls: the sent rate
    says so. Latencies are from the sending, of each status apart.
    """

    name = "locust"

    def run(self, load: Load) -> Result:
        """See `Driver.run`."""
        check(load, whole=True)
        target, seconds = load.target, load.seconds
        with tempfile.TemporaryDirectory() as folder, watching(target.watched, seconds) as usage:
            file = Path(folder) / "found"
            output([*_command(load), "--found", str(file)], seconds)
            made = json.loads(file.read_text())
        statuses: Mapping[str, Sequence[float]] = made["statuses"]
        failed = {name: each for name, each in statuses.items() if name != OK}
        errors = {name: len(each) for name, each in failed.items()}
        if OK not in statuses:
            raise DriverError(f"{target.url} answered no request: {errors}")
        return Result(
            server=target.watched.server,
            driver=self.name,
            workload=target.bodies.workload,
            planned_rate=load.rate,
            connections=load.connections,
            seconds=made["seconds"],
            sent=sum(map(len, statuses.values())),
            answered=len(statuses[OK]),
            errors=errors,
            latency_ms=quantiles(statuses[OK]),
            cpu_seconds=usage.cpu_seconds,
            store_cpu_seconds=usage.store_cpu_seconds,
            samples=tuple(usage.samples),
            error_latency_ms={name: quantiles(each) for name, each in failed.items()},
        )


def _command(load: Load) -> list[str]:
    parts = urlsplit(load.target.url)
    command = [found("locust", "locust/venv/bin/locust", REMEDY), "-f", str(SCRIPT), "--headless"]
    command += ["--host", f"{parts.scheme}://{parts.netloc}", "--path", parts.path]
    command += ["--bodies", str(load.target.bodies.file)]
    command += ["--users", str(load.connections), "--spawn-rate", str(load.connections)]
    command += ["--run-time", f"{load.seconds:.0f}s", "--stop-timeout", "10"]
    command += ["--exit-code-on-error", "0", "--only-summary", "--skip-log"]
    return [*command, *(["--planned-rate", str(load.rate)] if load.rate else [])]
