"""k6: an open loop that drops what it can't send at its time, or a closed one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtest.drivers.connection import NOT_SENT
from loadtest.drivers.driver import DriverError, Load
from loadtest.drivers.program import check, found, output
from loadtest.result import Result
from loadtest.watch import watching

__all__ = ["K6Driver"]

SCRIPT = Path(__file__).with_name("predict.js")
REMEDY = "make build/bin/k6 builds it where Go is installed, else see https://k6.io"
OK = "200"
LOST = "0"
STATISTICS = {"p50": "med", "p90": "p(90)", "p95": "p(95)", "p99": "p(99)", "p99.9": "p(99.9)"}
STATISTICS |= {"max": "max"}


class K6Driver:
    """k6 with as many virtual users as connections.

    A request that finds no virtual user idle is dropped, and counts as an error. Latencies are by
    k6's own clock: from the sending to the last byte, of each status apart.
    """

    name = "k6"

    def run(self, load: Load) -> Result:
        """See `Driver.run`."""
        check(load)
        target = load.target
        program = found("k6", "bin/k6", REMEDY)
        command = [program, "run", "--quiet", "--no-color", "--address", "", str(SCRIPT)]
        given = {"URL": target.url, "BODIES": target.bodies.file, "SECONDS": load.seconds}
        given |= {"CONNECTIONS": load.connections} | ({"RATE": load.rate} if load.rate else {})
        for name, value in given.items():
            command += ["-e", f"{name}={value}"]
        with watching(target.watched, load.seconds) as usage:
            summary = json.loads(output(command, load.seconds))
        statuses = {name: _quantiles(each) for name, each in summary["statuses"].items()}
        if OK not in statuses:
            raise DriverError(f"{target.url} answered no request: {summary}")
        return Result(
            server=target.watched.server,
            driver=self.name,
            workload=target.bodies.workload,
            planned_rate=load.rate,
            connections=load.connections,
            seconds=load.seconds,
            sent=summary["all"],
            answered=summary["statuses"][OK]["count"],
            errors=_errors(summary),
            latency_ms=statuses.pop(OK),
            cpu_seconds=usage.cpu_seconds,
            store_cpu_seconds=usage.store_cpu_seconds,
            samples=tuple(usage.samples),
            error_latency_ms={_name(status): figures for status, figures in statuses.items()},
        )


def _quantiles(values: Mapping[str, float]) -> dict[str, float]:
    return {name: values[statistic] for name, statistic in STATISTICS.items()}


def _name(status: str) -> str:
    return "lost" if status == LOST else status


def _errors(summary: dict[str, Any]) -> dict[str, int]:
    counts = {_name(status): each["count"] for status, each in summary["statuses"].items()}
    others = summary["all"] - sum(counts.values())
    counts.pop(OK)
    counts |= {"other": others, NOT_SENT: summary["dropped"]}
    return {name: count for name, count in counts.items() if count}
