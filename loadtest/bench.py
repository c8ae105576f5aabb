"""CPU per request and RPS of /predict, next to the same server's empty reply.

    python -m loadtest.bench --candidates 400 --rounds 5 --seconds 5
    python -m loadtest.bench --stores

All servers run at once on the same bodies; wrk loads them in turn, round by round, so that a
change of the machine's speed falls on all. CPU is the user + system time of the server's processes
over the requests served; that of a redis-server stands apart. Needs wrk, and with --stores
redis-server (Debian: apt-get install wrk redis-server).
"""

import argparse
import json
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from loadtest.catalogue import make_catalogue
from loadtest.contenders import EMPTY, PREDICT, STORES, Contender, started, wants_redis
from loadtest.rounds import Load, Round, measure
from loadtest.workload import predict_bodies, wrk_script

BODIES = 200
SEED = 1

Rounds = dict[str, list[Round]]


def main() -> None:
    """Run the benchmark and print a Markdown table; --json writes the rounds."""
    options = _options()
    contenders = STORES if options.stores else PREDICT
    _require("wrk", *(["redis-server"] if wants_redis(contenders) else []))
    rounds = _run(contenders, options)
    print(_table(rounds, options))
    if options.json:
        options.json.write_text(json.dumps(_document(rounds, options), indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--stores", action="store_true", help="compare the stores")
    parser.add_argument("--candidates", type=int, default=400)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _require(*programs: str) -> None:
    if missing := [name for name in programs if shutil.which(name) is None]:
        names = " ".join(missing)
        sys.exit(f"not installed: {names}; on Debian: apt-get install {names}")


def _run(contenders: tuple[Contender, ...], options: argparse.Namespace) -> Rounds:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        catalogue = make_catalogue(folder, options.rows)
        load = Load(folder / "predict.lua", options.connections, options.rounds, options.seconds)
        bodies = predict_bodies(catalogue.ids, options.candidates, BODIES, SEED)
        wrk_script(bodies, load.script)
        targets = {
            each.name: stack.enter_context(started(each, catalogue, folder, options.workers))
            for each in contenders
        }
        return measure(targets, load)


def _table(rounds: Rounds, options: argparse.Namespace) -> str:
    method = (
        f"{options.candidates} candidates, {options.rows} rows, {options.workers} workers, "
        f"{options.connections} connections, {options.rounds} rounds of {options.seconds} s"
    )
    columns = ["what", "CPU per request, us (min..max)", "RPS", "p50 ms", "p99 ms", "errors"]
    apart = any(r.store_cpu_us for results in rounds.values() for r in results)
    columns += ["redis-server's CPU per request, us"] * apart
    lines = [method, "", _row(columns), "|" + "---|" * len(columns)]
    lines += [_row(_cells(name, results, apart)) for name, results in rounds.items()]
    return "\n".join([*lines, "", *_ratios(rounds)])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(name: str, results: list[Round], apart: bool) -> list[str]:
    cells = [
        name,
        _range([r.cpu_us for r in results], 0),
        f"{statistics.median(r.rps for r in results):.0f}",
        f"{statistics.median(r.p50_us for r in results) / 1e3:.2f}",
        f"{statistics.median(r.p99_us for r in results) / 1e3:.2f}",
        f"{sum(r.errors for r in results)}",
    ]
    return [*cells, *[_range([r.store_cpu_us for r in results], 0)] * apart]


def _ratios(rounds: Rounds) -> list[str]:
    """Return one line for each contender, of its CPU over that of the empty reply."""
    lines = []
    for name, results in rounds.items():
        if name != EMPTY.name:
            pairs = zip(results, rounds[EMPTY.name], strict=True)
            ratios = [mine.cpu_us / empty.cpu_us for mine, empty in pairs]
            lines.append(f"CPU ratio of {name}, round by round: {_range(ratios, 2)}  ")
    return lines


def _range(values: list[float], digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"


def _document(rounds: Rounds, options: argparse.Namespace) -> dict[str, object]:
    return {
        "machine": {"platform": platform.platform(), "python": platform.python_version()},
        "options": {key: str(value) for key, value in vars(options).items()},
        "rounds": {name: [asdict(r) for r in results] for name, results in rounds.items()},
    }


if __name__ == "__main__":
    main()
