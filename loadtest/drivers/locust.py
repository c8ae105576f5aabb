"""locust: users with a constant pacing, so an open loop only as long as answers are quick."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from loadtest.drivers.driver import DriverError
from loadtest.drivers.program import check, found, output
from loadtest.pacing import quantiles
from loadtest.result import Result
from loadtest.watch import Watched, watching
from loadtest.workload import Bodies

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

    def run(
        self,
        url: str,
        bodies: Bodies,
        planned_rate: float | None,
        seconds: float,
        connections: int,
        watched: Watched,
    ) -> Result:
        """See `Driver.run`."""
        check(seconds, connections)
        with tempfile.TemporaryDirectory() as folder, watching(watched, seconds) as watch:
            file = Path(folder) / "found"
            command = _command(url, planned_rate, seconds, connections)
            output([*command, "--bodies", str(bodies.file), "--found", str(file)], seconds)
            made = json.loads(file.read_text())
        statuses: Mapping[str, Sequence[float]] = made["statuses"]
        failed = {name: each for name, each in statuses.items() if name != OK}
        errors = {name: len(each) for name, each in failed.items()}
        if OK not in statuses:
            raise DriverError(f"{url} answered no request: {errors}")
        return Result(
            server=watched.server,
            driver=self.name,
            workload=bodies.workload,
            planned_rate=planned_rate,
            connections=connections,
            seconds=made["seconds"],
            sent=sum(map(len, statuses.values())),
            answered=len(statuses[OK]),
            errors=errors,
            latency_ms=quantiles(statuses[OK]),
            cpu_seconds=watch.cpu_seconds,
            store_cpu_seconds=watch.store_cpu_seconds,
            samples=tuple(watch.samples),
            error_latency_ms={name: quantiles(each) for name, each in failed.items()},
        )


def _command(url: str, rate: float | None, seconds: float, connections: int) -> list[str]:
    parts = urlsplit(url)
    command = [found("locust", "locust/venv/bin/locust", REMEDY), "-f", str(SCRIPT), "--headless"]
    command += ["--host", f"{parts.scheme}://{parts.netloc}", "--path", parts.path]
    command += ["--users", str(connections), "--spawn-rate", str(connections)]
    command += [
        "--run-time",
        f"{seconds:.0f}s",
        "--stop-timeout",
        "10",
        "--exit-code-on-error",
        "0",
    ]
    command += ["--only-summary", "--skip-log"]
    return [*command, *(["--planned-rate", str(rate)] if rate else [])]
