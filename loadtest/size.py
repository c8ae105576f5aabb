"""Find what a node bears, and the fleet for a target.

    python -m loadtest size --target-predictions 3e6 --headroom 0.3 --node-price 0.20
    python -m loadtest size --url http://127.0.0.1:8000 --target-rps 7500 --json FILE

The rate goes up until the latency objective or the error budget breaks; the highest rate that keeps
both is bisected, several times over; a second run at that rate less the headroom verifies it. What
was loaded is printed and written where there is no such rate too. Without --url a service with a
sample catalogue is started.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from loadtest.drivers import Load
from loadtest.machine import about, cores
from loadtest.options import add_target, add_workload, positive, share, whole
from loadtest.result import Result, write_results
from loadtest.sizing.fleet import Fleet
from loadtest.sizing.knee import Search, find_knee
from loadtest.sizing.limit import CROWDED, Room
from loadtest.sizing.objective import Objective, Step
from loadtest.sizing.sizing import conclude, knee_of, sizing_data
from loadtest.sizing.trial import Trial
from loadtest.sizing.words import describe, progress_line
from loadtest.table import results_table
from loadtest.target import Target, target

__all__ = ["add_arguments", "run"]

WARM_UP_S = 2.0
AGAIN = (0.7, 1.4)  # of the latest knee: the next search's begin; and its growth
MOST_RATE = 1e5
MOST_REPEATS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    aim = parser.add_argument_group("target").add_mutually_exclusive_group()
    aim.add_argument("--target-predictions", type=positive, default=3e6, help="a second (3e6)")
    aim.add_argument("--target-rps", type=positive, help="requests a second, instead")
    group = parser.add_argument_group("fleet")
    group.add_argument("--headroom", type=_headroom, default=0.3, help="share left free (0.3)")
    group.add_argument("--spare", type=whole, default=1, help="nodes that may be lost (1)")
    group.add_argument("--node-price", type=positive, default=0.2, help="an hour (0.20)")
    group.add_argument("--currency", default="$", help="of the price ($)")
    group = parser.add_argument_group("objective")
    group.add_argument("--quantile", choices=("p50", "p90", "p95", "p99", "p99.9"), default="p99")
    group.add_argument("--latency-ms", type=positive, default=100.0, help="at most (100)")
    group.add_argument("--error-budget", type=share, default=0.001, help="share (0.001)")
    group = parser.add_argument_group("search")
    group.add_argument("--start", type=positive, default=500.0, help="first rate (500)")
    group.add_argument("--seconds", type=positive, default=5.0, help="at each rate (5)")
    group.add_argument("--verify-seconds", type=positive, default=15.0, help="of the last run (15)")
    group.add_argument("--precision", type=positive, default=0.05, help="of the knee (0.05)")
    group.add_argument("--repeats", type=_repeats, default=3, help="searches, 1 to 10 (3)")
    group.add_argument("--connections", type=whole, default=256, help="most in flight (256)")
    parser.add_argument("--json", type=Path, help="write loads and sizing to a file")
    add_workload(parser)
    add_target(parser)
    parser.add_argument("--pid", type=whole, help="with --url: the server's first process")
    parser.add_argument("--store-pid", type=whole, help="with --url: its store's first process")


def run(options: argparse.Namespace) -> None:
    """Search, verify, print and write.

    Raises
    ------
    RuntimeError
        There is no knee, or the second run did not verify it.
    """
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
    objective = Objective(options.quantile, options.latency_ms, options.error_budget)
    with target(options) as found:
        seen = _seen(found, options)
        room = _room(seen, options)
        load = Load(seen, options.seconds, options.connections)
        _warm_up(Trial(load, objective), options.start, room)
        with _keeping(options) as steps:
            searches = _searches(Trial(load, objective), options, steps)
            fleet = _fleet(options, knee_of(searches).value)
            verify = Trial(replace(load, seconds=options.verify_seconds), objective)
            verification = _told("verification", verify(fleet.node_rps))
    sizing, results = conclude(searches, verification, objective, fleet, room)
    print(describe(sizing, results[-1]))
    _write(options, results, sizing_data(sizing))
    if not sizing.verified:
        raise RuntimeError(f"{fleet.node_rps:,.0f} requests a second did not keep the objective")


def _headroom(text: str) -> float:
    value = share(text)
    if value == 1:
        raise argparse.ArgumentTypeError(f"{text} leaves nothing to use, must be below 1")
    return value


def _repeats(text: str) -> int:
    value = whole(text)
    if not 1 <= value <= MOST_REPEATS:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {MOST_REPEATS}")
    return value


def _seen(found: Target, options: argparse.Namespace) -> Target:
    """Return the target with the processes that the options name."""
    watched = found.watched
    pid, store_pid = options.pid or watched.pid, options.store_pid or watched.store_pid
    if pid is None:
        print(f"{options.url}: its processes can't be seen, so no CPU", file=sys.stderr)
    return replace(found, watched=replace(watched, pid=pid, store_pid=store_pid))


def _room(seen: Target, options: argparse.Namespace) -> Room:
    """Return the cores that the server can use: a worker hardly uses more than one."""
    if seen.watched.pid is None:
        return Room(float("nan"), shared=False)
    return Room(cores() if options.url else min(cores(), options.workers), shared=True)


def _warm_up(trial: Trial, rate: float, room: Room) -> None:
    load = replace(trial.load, seconds=min(WARM_UP_S, trial.load.seconds))
    others = replace(trial, load=load)(rate).effort.others
    if others >= CROWDED * room.cores:
        warning = f"other processes keep {others:.2f} cores busy; what is found will be theirs"
        print(warning, file=sys.stderr)


@contextmanager
def _keeping(options: argparse.Namespace) -> Iterator[list[Step]]:
    """Give a list; print and write the loads in it if the block fails."""
    steps: list[Step] = []
    try:
        yield steps
    except RuntimeError:
        if results := [step.result for step in steps]:
            print(results_table(results))
            _write(options, results, {})
        raise


def _searches(trial: Trial, options: argparse.Namespace, steps: list[Step]) -> list[Search]:
    """Search several times; all but the first begin near the knee, each elsewhere."""
    first, growth = options.start, 2.0
    searches: list[Search] = []

    def load(rate: float) -> Step:
        what = f"search {len(searches) + 1} of {options.repeats}"
        steps.append(_told(what, trial(rate)))
        return steps[-1]

    for i in range(options.repeats):
        begin = first * (1 + options.precision * i / options.repeats)
        search = find_knee(load, begin, growth, options.precision, (1.0, MOST_RATE))
        searches.append(search)
        first, growth = search.passed.rate * AGAIN[0], AGAIN[1]
    return searches


def _told(what: str, step: Step) -> Step:
    print(f"{what}: {progress_line(step)}", file=sys.stderr)
    return step


def _write(
    options: argparse.Namespace, results: Sequence[Result], more: Mapping[str, object]
) -> None:
    if options.json:
        write_results(options.json, results, {**about(), **more})


def _fleet(options: argparse.Namespace, knee: float) -> Fleet:
    rps = options.target_rps or options.target_predictions / options.candidates
    return Fleet(rps, knee, options.headroom, options.spare, options.node_price, options.currency)
