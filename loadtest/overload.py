"""Offer a server twice what it can do: it must go on doing that, and refuse the rest at once.

    python -m loadtest overload --seconds 20

wrk finds the maximum in a closed loop, then offers a multiple of it at even times, while the Python
driver sends a few requests beside it, which latencies are taken from: of 200 and of 429 apart, from
their planned times.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from loadtest.drivers import PythonDriver, WrkDriver
from loadtest.drivers.wrk import wrk
from loadtest.machine import about
from loadtest.options import add_target, add_workload, positive, whole
from loadtest.result import Result, write_results
from loadtest.table import results_table
from loadtest.target import Target, target
from loadtest.watch import resident_bytes

__all__ = ["add_arguments", "run"]

OK, REFUSED = "200", "429"
WARM_UP_S = 3.0


@dataclass(frozen=True, slots=True)
class Overload:
    """Answers of a server under so many requests a second, and what a bystander met."""

    seconds: float
    statuses: Mapping[str, int]
    bystander: Result
    before_bytes: int
    after_bytes: int

    def rate(self, status: str) -> float:
        """Return how many answers of a status there were a second."""
        return self.statuses.get(status, 0) / self.seconds

    @property
    def offered(self) -> float:
        """Requests a second that were answered, whatever the answer."""
        return sum(self.statuses.values()) / self.seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--seconds", type=positive, default=20.0, help="of each part (20)")
    parser.add_argument("--times", type=positive, default=2.0, help="the maximum is offered (2)")
    parser.add_argument("--connections", type=whole, default=512, help="for what is offered (512)")
    parser.add_argument("--closed-connections", type=whole, default=32, help="for the maximum (32)")
    parser.add_argument("--probe-rate", type=positive, default=50.0, help="of the bystander (50)")
    parser.add_argument("--json", type=Path, help="write the maximum and the bystander's result")
    add_workload(parser)
    add_target(parser)


def run(options: argparse.Namespace) -> None:
    """Find the maximum, offer more, and print what became of it."""
    with target(options) as found:
        where = (found.url, found.bodies, None)
        closed = (options.closed_connections, found.watched)
        WrkDriver().run(*where, WARM_UP_S, *closed)
        maximum = WrkDriver().run(*where, options.seconds, *closed)
        overload = _offer(found, options.times * maximum.throughput, options)
    print(results_table([maximum, overload.bystander]))
    print(_report(maximum, overload, options))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        write_results(options.json, [maximum, overload.bystander], about())


def _offer(found: Target, rate: float, options: argparse.Namespace) -> Overload:
    watched = found.watched
    before = resident_bytes(watched.pid) if watched.pid else 0
    pressure = (found.url, found.bodies, rate, options.seconds, options.connections)
    probe = (found.url, found.bodies, options.probe_rate, options.seconds, options.connections)
    with ThreadPoolExecutor(1) as pool:
        offered = pool.submit(wrk, *pressure)
        bystander = PythonDriver().run(*probe, watched)
        figures = offered.result()
    after = resident_bytes(watched.pid) if watched.pid else 0
    statuses = {name: int(count) for name, count in figures.items() if name.isdigit()}
    return Overload(figures["duration"] / 1e6, statuses, bystander, before, after)


def _report(maximum: Result, overload: Overload, options: argparse.Namespace) -> str:
    bystander = overload.bystander
    refused = bystander.error_latency_ms.get(REFUSED, {})
    goodput = overload.rate(OK)
    others = {k: n for k, n in overload.statuses.items() if k not in (OK, REFUSED)}
    planned = options.times * maximum.throughput
    memory = (overload.before_bytes, bystander.resident_bytes, overload.after_bytes)
    megabytes = "{:.0f} MB before, {:.0f} at most, {:.0f} after".format(*(b / 1e6 for b in memory))
    lines = {
        "maximum": f"{maximum.throughput:,.0f}/s by {options.closed_connections} connections",
        "offered": f"{overload.offered:,.0f}/s of {planned:,.0f}/s planned",
        "goodput": f"{goodput:,.0f}/s, {goodput / maximum.throughput:.0%} of the maximum",
        "refused": f"{overload.rate(REFUSED) / overload.offered:.1%} by 429; others: {others}",
        "200 took": _latencies(bystander.latency_ms),
        "429 took": _latencies(refused),
        "sent late": _latencies(bystander.sent_late_ms),
        "memory": megabytes if overload.before_bytes else "can't be seen",
    }
    return "\n".join(f"{name:12}{line}" for name, line in lines.items())


def _latencies(ms: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} ms" for name, value in ms.items()) or "-"
