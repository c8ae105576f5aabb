"""CPU per request and RPS of /predict, next to the same server's empty reply.

    python -m loadtest.bench --candidates 400 --rounds 5 --seconds 5

Both servers run at once on the same bodies; wrk loads them in turn, round by round, so that a
change of the machine's speed falls on both. CPU is the user + system time of the server's processes
over the requests served. Needs wrk (Debian: apt-get install wrk).
"""

import argparse
import csv
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from loadtest.processes import cpu_seconds, free_port, running
from loadtest.workload import predict_bodies, wrk_script

BODIES = 200
SEED = 1


@dataclass(frozen=True, slots=True)
class Round:
    """One wrk run: microseconds, requests a second, and how many requests failed."""

    cpu_us: float
    rps: float
    p50_us: float
    p99_us: float
    errors: int


def main() -> None:
    """Run the benchmark and print a Markdown table; --json writes the rounds."""
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; on Debian: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        store, ids = _catalogue(Path(folder), options.rows)
        script = Path(folder) / "predict.lua"
        wrk_script(predict_bodies(ids, options.candidates, BODIES, SEED), script)
        targets = _start(stack, store, options.workers)
        rounds = _measure(targets, script, options)
    print(_table(rounds, options))
    if options.json:
        options.json.write_text(json.dumps(_document(rounds, options), indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=400)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _catalogue(folder: Path, rows: int) -> tuple[Path, list[str]]:
    """Return a store with a generated catalogue, and its ids."""
    table, store = folder / "catalogue.csv", folder / "store"
    command = [f"{Path(sys.executable).parent}/bandit-serve"]
    subprocess.run([*command, "sample", table, "--rows", str(rows)], check=True)
    subprocess.run([*command, "load", table, "--store", store], check=True)
    with table.open(newline="") as lines:
        return store, [row["id"] for row in csv.DictReader(lines)]


def _start(stack: ExitStack, store: Path, workers: int) -> dict[str, tuple[int, str]]:
    """Start both servers; returns pid and URL by name."""
    folder, count = Path(sys.executable).parent, str(workers)
    ports = {"predict": free_port(), "empty reply": free_port()}
    predict = [f"{folder}/bandit-serve", "run", "--store", str(store), "--workers", count]
    empty = [f"{folder}/granian", "loadtest.empty:app", "--interface", "asgi", "--no-ws"]
    empty += ["--loop", "uvloop", "--workers", count, "--log-level", "warning"]
    commands = {"predict": predict, "empty reply": empty}
    return {
        name: (
            stack.enter_context(running([*command, "--port", str(ports[name])], ports[name])),
            f"http://127.0.0.1:{ports[name]}/predict",
        )
        for name, command in commands.items()
    }


def _measure(
    targets: dict[str, tuple[int, str]], script: Path, options: argparse.Namespace
) -> dict[str, list[Round]]:
    for pid, url in targets.values():
        _round(pid, url, script, options, seconds=2)
    rounds: dict[str, list[Round]] = {name: [] for name in targets}
    for i in range(options.rounds):
        for name, (pid, url) in targets.items():
            rounds[name].append(_round(pid, url, script, options, options.seconds))
        print(f"round {i + 1} of {options.rounds}", file=sys.stderr)
    return rounds


def _round(pid: int, url: str, script: Path, options: argparse.Namespace, seconds: int) -> Round:
    wrk = ["wrk", "-t", "1", "-c", str(options.connections), "-d", f"{seconds}s", "-s", str(script)]
    before = cpu_seconds(pid)
    output = subprocess.run([*wrk, url], check=True, capture_output=True, text=True).stdout
    used = cpu_seconds(pid) - before
    result = next(line for line in output.splitlines() if line.startswith("RESULT"))
    requests, micros, errors, p50, p99 = map(float, result.split()[1:])
    if requests == 0:
        raise RuntimeError(f"{url} answered nothing")
    return Round(used / requests * 1e6, requests / micros * 1e6, p50, p99, int(errors))


def _table(rounds: dict[str, list[Round]], options: argparse.Namespace) -> str:
    method = (
        f"{options.candidates} candidates, {options.rows} rows, {options.workers} workers, "
        f"{options.connections} connections, {options.rounds} rounds of {options.seconds} s"
    )
    lines = [
        method,
        "",
        "| what | CPU per request, us (min..max) | RPS | p50 ms | p99 ms | errors |",
        "|---|---|---|---|---|---|",
    ]
    for name, results in rounds.items():
        cpu = [r.cpu_us for r in results]
        lines.append(
            f"| {name} | {statistics.median(cpu):.0f} ({min(cpu):.0f}..{max(cpu):.0f}) "
            f"| {statistics.median(r.rps for r in results):.0f} "
            f"| {statistics.median(r.p50_us for r in results) / 1e3:.2f} "
            f"| {statistics.median(r.p99_us for r in results) / 1e3:.2f} "
            f"| {sum(r.errors for r in results)} |"
        )
    ratios = [a.cpu_us / b.cpu_us for a, b in zip(*rounds.values(), strict=True)]
    lines += ["", f"CPU ratio, round by round: {statistics.median(ratios):.2f} "]
    lines[-1] += f"({min(ratios):.2f}..{max(ratios):.2f})"
    return "\n".join(lines)


def _document(rounds: dict[str, list[Round]], options: argparse.Namespace) -> dict[str, object]:
    return {
        "machine": {"platform": platform.platform(), "python": platform.python_version()},
        "options": {key: str(value) for key, value in vars(options).items()},
        "rounds": {name: [asdict(r) for r in results] for name, results in rounds.items()},
    }


if __name__ == "__main__":
    main()
