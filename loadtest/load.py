"""Load a server and say how it did.

    python -m loadtest load --driver python --rate 500 1000 --seconds 30 --json FILE
    python -m loadtest load --driver wrk --url http://127.0.0.1:8000

Without --url a service with a sample catalogue is started. Without --rate connections go as fast as
they are answered.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from loadtest.drivers import DRIVERS, Load, PythonDriver
from loadtest.machine import about
from loadtest.options import add_target, add_workload, positive, whole
from loadtest.result import Result, write_results
from loadtest.table import results_table
from loadtest.target import Target, target

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--driver", choices=DRIVERS, default="python")
    parser.add_argument("--rate", type=positive, nargs="+", help="requests a second, in turn")
    parser.add_argument("--seconds", type=positive, default=10.0, help="at each rate (10)")
    parser.add_argument("--warm-up", type=positive, default=2.0, help="seconds before each (2)")
    parser.add_argument("--connections", type=whole, default=64, help="most in flight (64)")
    parser.add_argument("--json", type=Path, help="write the results to a file")
    add_workload(parser)
    add_target(parser)


def run(options: argparse.Namespace) -> None:
    """Load the server at each rate in turn, print a table and write the results."""
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
    with target(options) as found:
        if found.watched.pid is None:
            print(f"{options.url}: its processes can't be seen, so no CPU", file=sys.stderr)
        results = [_load(found, rate, options) for rate in options.rate or [None]]
    print(results_table(results))
    if options.json:
        write_results(options.json, results, about())


def _load(found: Target, rate: float | None, options: argparse.Namespace) -> Result:
    """Warm the server up and load it."""
    load = Load(found, options.seconds, options.connections, rate)
    PythonDriver().run(replace(load, seconds=options.warm_up))
    return DRIVERS[options.driver].run(load)
