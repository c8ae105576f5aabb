"""Offer a server twice what it can do: it must go on doing that, and refuse the rest at once.

    python -m loadtest overload --seconds 5 --rounds 5

wrk finds the maximum in a closed loop, then offers a multiple of it at even times, while the Python
driver sends a few requests beside it, which latencies are taken from: of 200 and of 429 apart, from
their planned times. A server that is started has some CPUs and the generators have the others: who
offers more than a machine can answer would else take from it what the answers need.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from loadtest.drivers import BesideDriver, Load, WrkDriver
from loadtest.machine import about
from loadtest.options import add_target, add_workload, positive, whole
from loadtest.processes import resident_bytes
from loadtest.result import Result, write_results
from loadtest.table import results_table
from loadtest.target import Target, target

__all__ = ["add_arguments", "run"]

REFUSED = "429"
WARM_UP_S = 3.0
QUANTILES = ("p50", "p90", "p99", "max")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    half = len(os.sched_getaffinity(0)) // 2
    parser.add_argument("--seconds", type=positive, default=5.0, help="of each part (5)")
    parser.add_argument("--rounds", type=whole, default=5, help="of maximum and more (5)")
    parser.add_argument("--times", type=positive, default=2.0, help="the maximum is offered (2)")
    parser.add_argument("--connections", type=whole, default=512, help="for what is offered (512)")
    parser.add_argument("--closed-connections", type=whole, default=32, help="for the maximum (32)")
    parser.add_argument("--probe-rate", type=positive, default=50.0, help="of the bystander (50)")
    parser.add_argument("--json", type=Path, help="write the maxima and the bystander's results")
    add_workload(parser)
    add_target(parser)
    cpus = f"CPUs of a started server; the generators have the others; 0: both have all ({half})"
    parser.add_argument("--server-cpus", type=whole, default=half, help=cpus)
    parser.set_defaults(workers=max(half, 1))


def run(options: argparse.Namespace) -> None:
    """Find the maximum and offer more, round by round, and print what became of it."""
    if options.rounds < 1:
        raise ValueError(f"--rounds is {options.rounds}, must be >= 1")
    maxima, offers, beside = [], [], BesideDriver(options.probe_rate)
    with _target_apart(options) as found:
        closed = Load(found, options.seconds, options.closed_connections)
        WrkDriver().run(replace(closed, seconds=WARM_UP_S))
        for number in range(options.rounds):
            maximum = replace(WrkDriver().run(closed), round=number)
            rate = options.times * maximum.throughput
            offered = beside.run(Load(found, options.seconds, options.connections, rate))
            maxima.append(maximum)
            offers.append(replace(offered, round=number))
        pid = found.watched.pid
        after = resident_bytes(pid) if pid else 0
    results = [each for pair in zip(maxima, offers, strict=True) for each in pair]
    print(results_table(results))
    print(_report(maxima, offers))
    print(_memory(maxima[0], offers, after))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        write_results(options.json, results, about())


@contextmanager
def _target_apart(options: argparse.Namespace) -> Iterator[Target]:
    """Start the server on its CPUs, and stay on the others meanwhile."""
    cpus, count = sorted(os.sched_getaffinity(0)), 0 if options.url else options.server_cpus
    if count >= len(cpus):
        raise ValueError(f"--server-cpus is {count}, must leave one of {len(cpus)} CPUs")
    os.sched_setaffinity(0, cpus[:count] or cpus)
    try:
        with target(options) as found:
            os.sched_setaffinity(0, cpus[count:])
            yield found
    finally:
        os.sched_setaffinity(0, cpus)


def _report(maxima: Sequence[Result], offers: Sequence[Result]) -> str:
    goodput = [o.throughput / m.throughput for m, o in zip(maxima, offers, strict=True)]
    refused = [offered.errors.get(REFUSED, 0) / offered.sent for offered in offers]
    maximum, rate, planned, answered = (
        f"{median(values):,.0f}/s"
        for values in (
            [result.throughput for result in maxima],
            [result.sent_rate for result in offers],
            [result.planned_rate or 0.0 for result in offers],
            [result.throughput for result in offers],
        )
    )
    lines = {
        "maximum": maximum,
        "offered": f"{rate} of {planned} planned",
        "goodput": f"{answered}, {_shares(goodput)} of the maximum",
        "refused": _shares(refused),
        "200 took": _latencies(offers, lambda each: each.latency_ms),
        "429 took": _latencies(offers, lambda each: each.error_latency_ms.get(REFUSED, {})),
        "sent late": _latencies(offers, lambda each: each.sent_late_ms),
    }
    return "\n".join(f"{name:12}{line}" for name, line in lines.items())


def _memory(before: Result, offers: Sequence[Result], after: int) -> str:
    if not after:
        return "memory      can't be seen"
    course = (before.resident_bytes, max(each.resident_bytes for each in offers), after)
    first, most, last = (each / 1e6 for each in course)
    return f"memory      {first:.0f} MB before, {most:.0f} MB at most, {last:.0f} MB after"


def _shares(values: Sequence[float]) -> str:
    return f"{median(values):.0%} ({min(values):.0%}..{max(values):.0%})"


def _latencies(offers: Sequence[Result], of: Callable[[Result], Mapping[str, float]]) -> str:
    """Return the median of each quantile over the rounds."""
    rounds = [ms for each in offers if (ms := of(each))]
    medians = {name: median(ms[name] for ms in rounds) for name in QUANTILES if rounds}
    return ", ".join(f"{name} {value:.1f} ms" for name, value in medians.items()) or "-"
