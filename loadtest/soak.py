"""Load a server for long: it must not fail once, nor hold ever more memory.

    python -m loadtest soak --minutes 30 --rate 200
    python -m loadtest soak --minutes 30 --rate 13000 --probe-rate 50

Its resident memory in the last tenth of the time is compared with that in the tenth after a warm-up
of a sixth. Fails on any error, and on more than 2 % of growth.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtest.drivers import BesideDriver, Driver, Load, PythonDriver
from loadtest.machine import about
from loadtest.options import add_target, add_workload, positive, whole
from loadtest.result import Result, Sample, write_results
from loadtest.table import results_table
from loadtest.target import target

__all__ = ["add_arguments", "growth", "run"]

WARM_UP = 1 / 6  # of the time
WINDOW = 1 / 10
MOST = 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--minutes", type=positive, default=30.0)
    parser.add_argument("--rate", type=positive, default=200.0, help="requests a second (200)")
    parser.add_argument("--connections", type=whole, default=64, help="most in flight (64)")
    beside = "have wrk offer the rate, and take latencies from so many requests a second beside it"
    parser.add_argument("--probe-rate", type=positive, help=beside)
    parser.add_argument("--json", type=Path, help="write the result to a file")
    add_workload(parser)
    add_target(parser)


def run(options: argparse.Namespace) -> None:
    """Load the server, print what became of its memory, and exit with 1 if it failed."""
    seconds = options.minutes * 60
    with target(options) as found:
        if found.watched.pid is None:
            raise ValueError(f"--url {options.url}: its processes can't be seen, so no memory")
        driver: Driver = PythonDriver()
        if options.probe_rate:
            driver = BesideDriver(options.probe_rate)
        result = driver.run(Load(found, seconds, options.connections, options.rate))
    print(results_table([result]))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        write_results(options.json, [result], about())
    print(_memory(result))
    if problems := _problems(result):
        sys.exit("; ".join(problems))


def growth(samples: Sequence[Sample]) -> float:
    """Return by which share memory grew from the window after the warm-up to the last one.

    Medians of the windows, so that one moment doesn't decide.

    Raises
    ------
    ValueError
        There are fewer than 10 samples.
    """
    if len(samples) < round(1 / WINDOW):
        raise ValueError(f"memory was seen {len(samples)} times, too few to tell its growth")
    begin, width = round(len(samples) * WARM_UP), max(1, round(len(samples) * WINDOW))
    first, last = (
        statistics.median(sample.resident_bytes for sample in window)
        for window in (samples[begin : begin + width], samples[-width:])
    )
    return last / first - 1


def _memory(result: Result) -> str:
    marks = [result.samples[round(i * (len(result.samples) - 1) / 6)] for i in range(7)]
    course = ", ".join(
        f"{mark.resident_bytes / 1e6:.1f} MB at {mark.seconds:.0f} s" for mark in marks
    )
    return f"memory: {course}; {growth(result.samples):+.2%} after the warm-up"


def _problems(result: Result) -> list[str]:
    found = [f"{count} x {kind}" for kind, count in result.errors.items()]
    grown = growth(result.samples)
    return found + [f"memory grew by {grown:.2%}, at most {MOST:.0%} is allowed"] * (grown > MOST)
