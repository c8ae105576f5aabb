"""Offer a server twice what it can do: it must go on doing that, and refuse the rest at once.

    python -m loadtest overload --seconds 20

wrk finds the maximum in a closed loop, then offers a multiple of it at even times, while the Python
driver sends a few requests beside it, which latencies are taken from: of 200 and of 429 apart, from
their planned times.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from loadtest.drivers import Load, PythonDriver, WrkDriver
from loadtest.drivers.wrk import outcome, wrk
from loadtest.machine import about
from loadtest.options import add_target, add_workload, positive, whole
from loadtest.processes import resident_bytes
from loadtest.result import Result, write_results
from loadtest.table import results_table
from loadtest.target import Target, target

__all__ = ["add_arguments", "run"]

REFUSED = "429"
WARM_UP_S = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--seconds", type=positive, default=20.0, help="of each part (20)")
    parser.add_argument("--times", type=positive, default=2.0, help="the maximum is offered (2)")
    parser.add_argument(
        "--connections", type=whole, default=1024, help="for what is offered (1024)"
    )
    parser.add_argument("--closed-connections", type=whole, default=32, help="for the maximum (32)")
    parser.add_argument("--probe-rate", type=positive, default=50.0, help="of the bystander (50)")
    parser.add_argument("--json", type=Path, help="write the maximum and the bystander's result")
    add_workload(parser)
    add_target(parser)


def run(options: argparse.Namespace) -> None:
    """Find the maximum, offer more, and print what became of it."""
    with target(options) as found:
        closed = Load(found, options.seconds, options.closed_connections)
        WrkDriver().run(replace(closed, seconds=WARM_UP_S))
        maximum = WrkDriver().run(closed)
        offered = _offer(found, options.times * maximum.throughput, options)
        pid = found.watched.pid
        after = resident_bytes(pid) if pid else 0
    print(results_table([maximum, offered]))
    print(_report(maximum, offered))
    print(_memory(maximum, offered, after))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        write_results(options.json, [maximum, offered], about())


def _offer(found: Target, rate: float, options: argparse.Namespace) -> Result:
    """Offer a rate; the counts are those of wrk, the latencies those of the bystander."""
    pressure = Load(found, options.seconds, options.connections, rate)
    probe = replace(pressure, rate=options.probe_rate)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wrk, pressure)
        bystander = PythonDriver().run(probe)
        figures = waiting.result()
    answered, errors = outcome(figures)
    return replace(
        bystander,
        driver=f"wrk at a rate, latencies by {bystander.driver}",
        planned_rate=rate,
        seconds=figures["duration"] / 1e6,
        sent=answered + sum(errors.values()),
        answered=answered,
        errors=errors,
    )


def _report(maximum: Result, offered: Result) -> str:
    goodput = offered.throughput / maximum.throughput
    refused = offered.errors.get(REFUSED, 0) / offered.sent
    lines = {
        "maximum": f"{maximum.throughput:,.0f}/s",
        "offered": f"{offered.sent_rate:,.0f}/s of {offered.planned_rate:,.0f}/s planned",
        "goodput": f"{offered.throughput:,.0f}/s, {goodput:.0%} of the maximum",
        "refused": f"{refused:.1%}",
        "200 took": _latencies(offered.latency_ms),
        "429 took": _latencies(offered.error_latency_ms.get(REFUSED, {})),
        "sent late": _latencies(offered.sent_late_ms),
    }
    return "\n".join(f"{name:12}{line}" for name, line in lines.items())


def _memory(maximum: Result, offered: Result, after: int) -> str:
    if not after:
        return "memory      can't be seen"
    course = (maximum.resident_bytes, offered.resident_bytes, after)
    before, most, last = (each / 1e6 for each in course)
    return f"memory      {before:.0f} MB before, {most:.0f} MB at most, {last:.0f} MB after"


def _latencies(ms: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} ms" for name, value in ms.items()) or "-"
