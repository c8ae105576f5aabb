"""CPU per request, RPS and latency of servers of /predict side by side.

    python -m loadtest compare
    python -m loadtest compare --redis --candidates 40 400 4000

The service, an empty reply from the same server, and its peers run at once on the same bodies; wrk
loads them in turn, round by round, so that a change of the machine's speed falls on all. A server
that fails or answers anything but 200 fails the comparison. Needs wrk, and for what reads from
Redis redis-server (Debian: apt-get install wrk redis-server).
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import product
from pathlib import Path

from loadtest.catalogue import make_catalogue
from loadtest.contenders import CONTENDERS, Contender, Started, Supplies, redis_server, started
from loadtest.drivers import Load, WrkDriver
from loadtest.machine import about
from loadtest.options import whole
from loadtest.ranking import check_ranking
from loadtest.ratios import comparison_table
from loadtest.result import Result, Workload, write_results
from loadtest.target import Target
from loadtest.watch import Watched
from loadtest.workload import Bodies

__all__ = ["add_arguments", "compare", "run"]

EMPTY = "empty-reply"
NAMES = tuple(each.name for each in CONTENDERS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument("--redis", action="store_true", help="compare what reads from a Redis")
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--candidates", type=_count, nargs="+", default=[400])
    parser.add_argument("--rows", type=_count, default=100_000)
    parser.add_argument("--workers", type=_count, default=2)
    parser.add_argument("--connections", type=_count, default=16)
    parser.add_argument("--rounds", type=_count, default=5)
    parser.add_argument("--seconds", type=_count, default=5)
    parser.add_argument("--warm-up", type=whole, default=2, help="seconds before the first round")
    parser.add_argument("--json", type=Path, help="results (build/load/compare[-redis].json)")


def run(options: argparse.Namespace) -> None:
    """Compare, write the results and print Markdown tables."""
    chosen = _chosen(options)
    contenders = [each for each in chosen if not each.absence]
    absent = [each for each in chosen if each.absence]
    for each in absent:
        print(each.absence, file=sys.stderr)
    _require("wrk", *(["redis-server"] if any(each.redis for each in contenders) else []))
    results = compare(contenders, options)
    file = options.json or _file(options)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_results(file, results, {**about(), "absent": [each.name for each in absent]})
    notes = [f"{each.name} {each.note}" for each in contenders if each.note]
    notes += [each.absence for each in absent]
    print("\n\n".join([*_tables(results, options), *notes]))


def compare(contenders: Sequence[Contender], options: argparse.Namespace) -> list[Result]:
    """Run the contenders at once and load them in turn, round by round.

    Raises
    ------
    RuntimeError
        A contender does not start, ends under load, errs, or answers no ranking.
    ValueError
        There are no contenders, or a workload can't be made.
    """
    if not contenders:
        raise ValueError("none of the contenders is built")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        supplies = _supplies(Path(name), contenders, options.rows, stack)
        bodies = [_bodies(supplies, candidates) for candidates in options.candidates]
        servers = [
            stack.enter_context(started(each, supplies, options.workers)) for each in contenders
        ]
        return list(_rounds(servers, bodies, options))


def _chosen(options: argparse.Namespace) -> list[Contender]:
    if options.only:
        by_name = dict(zip(NAMES, CONTENDERS, strict=True))
        return [by_name[name] for name in dict.fromkeys(options.only)]
    return [each for each in CONTENDERS if each.redis == options.redis or each.name == EMPTY]


def _supplies(
    folder: Path, contenders: Sequence[Contender], rows: int, stack: ExitStack
) -> Supplies:
    catalogue = make_catalogue(folder, rows)
    supplies = Supplies(catalogue, catalogue.export(folder / "posteriors.csv"), folder)
    if any(each.redis for each in contenders):
        url, pid = stack.enter_context(redis_server(catalogue, folder))
        supplies = replace(supplies, redis_url=url, redis_pid=pid)
    return supplies


def _bodies(supplies: Supplies, candidates: int) -> Bodies:
    ids = supplies.catalogue.ids
    workload = Workload(candidates=candidates, rows=len(ids))
    return Bodies.write(supplies.folder / f"{candidates}.jsonl", workload, ids)


def _rounds(
    servers: Sequence[Started], workloads: Sequence[Bodies], options: argparse.Namespace
) -> Iterator[Result]:
    for bodies, server in product(workloads, servers):
        if server.contender.ranks:
            check_ranking(server.contender.name, server.url, bodies.lines()[0])
        if options.warm_up:
            _load(server, bodies, options.warm_up, options.connections)
    for number in range(options.rounds):
        for bodies, server in product(workloads, servers):
            result = _load(server, bodies, options.seconds, options.connections)
            yield replace(result, round=number)
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)


def _load(server: Started, bodies: Bodies, seconds: float, connections: int) -> Result:
    watched = Watched(server.contender.name, server.pid, server.store_pid)
    load = Load(Target(server.url, bodies, watched), seconds, connections)
    result = WrkDriver().run(load)
    if result.errors:
        raise RuntimeError(f"{result.server} failed: {dict(result.errors)}")
    return result


def _tables(results: Sequence[Result], options: argparse.Namespace) -> Iterator[str]:
    for candidates in options.candidates:
        mine = [result for result in results if result.workload.candidates == candidates]
        method = (
            f"{candidates} candidates, {options.rows} rows, {options.workers} workers, "
            f"{options.connections} connections, {options.rounds} rounds of {options.seconds} s"
        )
        yield f"{method}\n\n{comparison_table(mine, mine[0].server)}"


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not >= 1")
    return value


def _require(*programs: str) -> None:
    if missing := [name for name in programs if shutil.which(name) is None]:
        names = " ".join(missing)
        sys.exit(f"not installed: {names}; on Debian: apt-get install {names}")


def _file(options: argparse.Namespace) -> Path:
    return Path("build/load") / f"compare{'-redis' if options.redis else ''}.json"
