"""Nanoseconds per Beta draw, ours beside the samplers that others offer.

    python -m loadtest.sampler --peers all --json result.json --markdown result.md

Every contender is a process of its own on the same arrays. In each round all get a short slice in
turn, so that a change of the machine's speed falls on all, and ratios are taken within a round.
The mean and mean square of each contender's last draws must be right, or the benchmark fails.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loadtest.sampler.contenders import CLOCK, CONTENDERS, OURS, Contender, levels
from loadtest.sampler.floor import MICROARCHITECTURE, Floor, floors
from loadtest.sampler.measure import Refused, Sample, Stage
from loadtest.sampler.mixes import MIXES, SEED
from loadtest.sampler.report import render


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print Markdown; --json and --markdown write files."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stage = Stage(stack, Path(folder))
        stage.start([CLOCK, *_chosen(options)])
        versions = dict(stage.versions)
        try:
            samples = stage.measure(options.mixes, options.n, options.rounds, options.milliseconds)
        except Refused as refused:
            sys.exit(str(refused))
        bounds, reason = floors(options.mixes, Path(folder))
    if reason:
        stage.left_out["floor"] = reason
    document = _document(options, versions, samples, bounds, stage.left_out)
    print(render(document))
    if options.json:
        options.json.write_text(json.dumps(document, indent=1))
    if options.markdown:
        options.markdown.write_text(render(document) + "\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.sampler",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    words = [contender.name.split()[0] for contender in CONTENDERS]
    names = "all, or some of " + ",".join(dict.fromkeys(words))
    parser.add_argument("--peers", default="all", type=lambda x: x.split(","), help=names)
    parser.add_argument("--levels", action="store_true", help="ours once per SIMD level")
    parser.add_argument("--mixes", default=list(MIXES), type=lambda x: x.split(","))
    counts = [400, 10_000, 1_000_000]
    parser.add_argument("--n", default=counts, type=lambda x: [int(n) for n in x.split(",")])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--milliseconds", type=float, default=100, help="of one slice")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 20 ms, n below 100,000")
    parser.add_argument("--json", type=Path, help="write every round's figures")
    parser.add_argument("--markdown", type=Path, help="write the tables")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.milliseconds = 3, 20
        options.n = [n for n in options.n if n < 100_000]
    if unknown := {*options.peers} - {"all", *words} | {*options.mixes} - {*MIXES}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def _chosen(options: argparse.Namespace) -> list[Contender]:
    chosen = [
        contender
        for contender in CONTENDERS
        if "all" in options.peers or contender.name.split()[0] in options.peers
    ]
    if options.levels:
        return levels() + [contender for contender in chosen if contender.name != OURS]
    return chosen


def _document(
    options: argparse.Namespace,
    versions: dict[str, str],
    samples: list[Sample],
    bounds: dict[str, Floor],
    left_out: dict[str, str],
) -> dict[str, Any]:
    return {
        "machine": {
            "processor": _processor(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "command": " ".join(["python", "-m", "loadtest.sampler", *sys.argv[1:]]),
        "method": (
            f"{options.rounds} rounds of {options.milliseconds:g} ms a contender, in turn; a "
            "process each, one thread, the same arrays, shapes new for every draw; CPU time, "
            "median (min..max) over the rounds, ratios within a round; cycles from a chain of "
            f"dependent multiplications in the same round; bounds for {MICROARCHITECTURE}"
        ),
        "seed": SEED,
        "mixes": {mix: MIXES[mix][0] for mix in options.mixes},
        "counts": options.n,
        "versions": versions,
        "left_out": left_out,
        "floors": {name: asdict(bound) for name, bound in bounds.items()},
        "samples": [asdict(sample) for sample in samples],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    known = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
    parts = [known.get("model name", platform.machine())]
    parts += [f"{key}{known[key]}" for key in ("cpu family", "model") if key in known]
    return ",".join(parts).strip()


if __name__ == "__main__":
    main()
