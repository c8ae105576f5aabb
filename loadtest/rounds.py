"""Rounds of wrk against servers in turn, so that a change of the machine's speed falls on all."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtest.contenders import Target

__all__ = ["Load", "Round", "measure"]

WARM_UP_S = 2


@dataclass(frozen=True, slots=True)
class Load:
    """The script that wrk runs, its connections, and how long and how often."""

    script: Path
    connections: int
    rounds: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Round:
    """One wrk run: microseconds, requests a second, and how many requests failed.

    `store_cpu_us` is that of a store's own processes, which are not in `cpu_us`.
    """

    cpu_us: float
    store_cpu_us: float
    rps: float
    p50_us: float
    p99_us: float
    errors: int


def measure(targets: Mapping[str, Target], load: Load) -> dict[str, list[Round]]:
    """Warm all servers up, then load them in turn, round by round."""
    for target in targets.values():
        _round(target, load, WARM_UP_S)
    rounds: dict[str, list[Round]] = {name: [] for name in targets}
    for i in range(load.rounds):
        for name, target in targets.items():
            rounds[name].append(_round(target, load, load.seconds))
        print(f"round {i + 1} of {load.rounds}", file=sys.stderr)
    return rounds


def _round(target: Target, load: Load, seconds: int) -> Round:
    wrk = ["wrk", "-t", "1", "-c", str(load.connections), "-d", f"{seconds}s"]
    before = target.cpu_seconds()
    output = subprocess.run(
        [*wrk, "-s", str(load.script), target.url], check=True, capture_output=True, text=True
    ).stdout
    own, store = (b - a for a, b in zip(before, target.cpu_seconds(), strict=True))
    result = next(line for line in output.splitlines() if line.startswith("RESULT"))
    requests, micros, errors, p50, p99 = map(float, result.split()[1:])
    if requests == 0:
        raise RuntimeError(f"{target.url} answered nothing")
    rate = requests / micros * 1e6
    return Round(own / requests * 1e6, store / requests * 1e6, rate, p50, p99, int(errors))
