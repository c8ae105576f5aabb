"""How few cycles a draw could take: the operations that the kernel does, over what a core can do.

`loadtest/peers/floor.cpp` counts the operations of a draw, lane by lane. A vector of `width` lanes
does `width` of them in one instruction, and each instruction keeps units busy. The bound is the
time of the busiest unit, were nothing else in the way; the sum is the time if no two instructions
ever overlapped. Loop control, shuffles, copies of single lanes and waiting are in neither.
"""

import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loadtest.sampler.contenders import FLOOR
from loadtest.sampler.mixes import Case, write
from loadtest.sampler.protocol import Failed

__all__ = ["MICROARCHITECTURE", "Floor", "floor", "floors"]

MICROARCHITECTURE = "Zen 5 with 512-bit units"
BITS = {"avx512": 512, "avx2": 256}
N = 10_000

# Cycles per instruction of any width, measured on an EPYC of family 26, model 2: loops of
# independent instructions over a chain of dependent ones. The units are those of GCC's model
# of Zen 5: it multiplies on pipes 0 and 1, adds on 2 and 3, and does logic on all four.
MULTIPLY, ADD, SHIFT, STORE = 0.5, 0.5, 0.5, 1.0
UNITS: dict[str, tuple[str, Mapping[str, float]]] = {
    "fma": ("multiply pipes", {"float32": MULTIPLY, "float64": MULTIPLY}),
    "mul": ("multiply pipes", {"float32": MULTIPLY, "float64": MULTIPLY}),
    "product": ("multiply pipes", {"float32": MULTIPLY, "float64": MULTIPLY}),
    "high": ("shift pipes", {"float32": SHIFT, "float64": SHIFT}),
    "mix": ("all pipes", {"float32": 0.5, "float64": 0.5}),
    "add": ("add pipes", {"float32": ADD, "float64": ADD}),
    "compare": ("add pipes", {"float32": ADD, "float64": ADD}),
    "convert": ("add pipes", {"float32": ADD, "float64": 0.75}),
    "div": ("divider", {"float32": 2.5, "float64": 4.0}),
    "sqrt": ("divider", {"float32": 4.5, "float64": 7.5}),
    "logic": ("all pipes", {"float32": 0.25, "float64": 0.25}),
    "select": ("all pipes", {"float32": 0.25, "float64": 0.25}),
    "shift": ("shift pipes", {"float32": SHIFT, "float64": SHIFT}),
    "load": ("load ports", {"float32": 0.5, "float64": 0.5}),
    "store": ("store port", {"float32": STORE, "float64": STORE}),
    "compact": ("permute pipe", {"float32": 1.0, "float64": 1.0}),
}
# 32 x 32 -> 64 bits: half of a float32 vector's lanes at a time
WIDE = {"product", "high", "mix"}
PIPES = 4
PIPED = set(UNITS) - {"div", "sqrt", "load", "store", "compact"}


@dataclass(frozen=True, slots=True)
class Floor:
    """Cycles per draw: of the busiest unit, which one, and of all instructions one by one."""

    bound: float
    unit: str
    sum: float
    operations: dict[str, float]


def floor(operations: dict[str, float], dtype: str, bits: int) -> Floor:
    """Return the floor from operations per draw by kind, on vectors of so many bits."""
    width = bits // (8 * np.dtype(dtype).itemsize)
    instructions = {
        kind: count / width * (2 if kind in WIDE and dtype == "float32" else 1)
        for kind, count in operations.items()
    }
    if bits == 512:
        for kind in {"logic", "mix"} & instructions.keys():
            instructions[kind] /= 2  # vpternlog does two
    busy: dict[str, float] = defaultdict(float)
    for kind, count in instructions.items():
        unit, cycles = UNITS[kind]
        busy[unit] += count * cycles[dtype]
    total = sum(busy.values())
    busy["all pipes"] = sum(instructions[kind] for kind in instructions if kind in PIPED) / PIPES
    unit = max(busy, key=busy.__getitem__)
    return Floor(busy[unit], unit, total, operations)


def floors(mixes: Sequence[str], folder: Path) -> tuple[dict[str, Floor], str]:
    """Return floors by "level mix dtype", and why there are none where there are none."""
    found: dict[str, Floor] = {}
    try:
        command = FLOOR.prepare()
        for mix in mixes:
            for dtype in FLOOR.dtypes:
                operations = _count(command, Case(mix, N, dtype), folder)
                for level, bits in BITS.items():
                    found[f"{level} {mix} {dtype}"] = floor(operations, dtype, bits)
    except Failed as failure:
        return {}, str(failure)
    return found, ""


def _count(command: list[str], case: Case, folder: Path) -> dict[str, float]:
    write(case, folder)
    arguments = [str(folder), case.mix, str(case.n), case.dtype]
    result = subprocess.run([*command, *arguments], capture_output=True, text=True)
    if result.returncode:
        raise Failed(result.stderr.strip())
    return {kind: int(count) / case.n for kind, count in map(str.split, result.stdout.splitlines())}
