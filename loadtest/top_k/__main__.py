"""What the best 100 of a whole catalogue cost: drawn in a loop, and asked of a live service.

    python -m loadtest.top_k --json result.json

First the loop: every contender is a process of its own on the same columns (float32, counts of a
bandit), and in each round all get a short slice in turn; times are the clock's on the wall. The
best that each finds must be as large as they should be. Contenders that aren't installed, or find
no CUDA device, are left out and named.

Then services of one worker that hold a catalogue of --arms: with one thread and two, asked in turn,
one request after the other; and one that is asked at --rate while its catalogue stays as it is, and
while it is read anew without pause and every reading is another snapshot. Both take turns.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loadtest.machine import about
from loadtest.options import positive, whole
from loadtest.processes import end_children_too
from loadtest.sampler.mixes import SEED
from loadtest.top_k.contenders import CONTENDERS
from loadtest.top_k.measure import Refused, Stage
from loadtest.top_k.report import draws_tables, requests_tables
from loadtest.top_k.requests import Plan, Window, measure_refresh, measure_threads

__all__ = ["main"]

PARTS = ("draws", "threads", "refresh")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts and print Markdown; --json writes every figure."""
    options = _options(arguments)
    document: dict[str, Any] = {"about": about(), "seed": SEED, "k": options.k}
    measures = {"draws": _draws, "threads": _threads, "refresh": _refresh}
    try:
        for part in options.parts:
            with tempfile.TemporaryDirectory() as folder:
                document[part] = measures[part](options, Path(folder))
    except Refused as refused:
        sys.exit(str(refused))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document, indent=1))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.top_k",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--k", type=whole, default=100)
    parser.add_argument("--json", type=Path, help="write every round's figures")
    draws = parser.add_argument_group("the loop")
    counts = [10_000, 100_000, 1_000_000, 10_000_000]
    draws.add_argument("--n", type=whole, nargs="+", default=counts, help="arms")
    draws.add_argument("--rounds", type=whole, default=7)
    draws.add_argument("--milliseconds", type=positive, default=200, help="of one slice")
    live = parser.add_argument_group("live services")
    live.add_argument("--arms", type=whole, default=1_000_000)
    live.add_argument("--rate", type=positive, default=50, help="requests a second (50)")
    live.add_argument("--windows", type=whole, default=5)
    live.add_argument("--seconds", type=positive, default=5, help="of a window (5)")
    live.add_argument("--gpu", choices=("off", "auto", "on"), default="off")
    return parser.parse_args(arguments)


def _draws(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    with ExitStack() as stack:
        stage = Stage(stack, folder, options.k)
        stage.start(CONTENDERS)
        slices = stage.measure(options.n, options.rounds, options.milliseconds)
        versions = {n: v for n, v in stage.versions.items() if n not in stage.left_out}
        print(draws_tables(slices, versions, stage.left_out, options.k), end="\n\n", flush=True)
    return {
        "versions": versions,
        "left_out": stage.left_out,
        "slices": [asdict(each) for each in slices],
    }


def _threads(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    return _told(measure_threads(folder, _plan(options), options.gpu), options)


def _refresh(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    return _told(measure_refresh(folder, _plan(options)), options)


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(options.arms, options.k, options.rate, options.seconds, options.windows)


def _told(windows: list[Window], options: argparse.Namespace) -> list[dict[str, Any]]:
    print(requests_tables(windows, options.arms), end="\n\n", flush=True)
    return [asdict(each) for each in windows]


if __name__ == "__main__":
    end_children_too()
    main()
