"""The kernels as PTX and machine code: without a device, by NVVM and ptxas.

Checks that the exact kernels keep IEEE's rules, and writes what all take of a multiprocessor:

    python -m tests.bandit.cuda.compiled --table bandit/cuda/RESOURCES.md
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numba import cuda, from_dtype, types
from numba.cuda import dispatcher

from bandit.cuda.arithmetic import exact_arithmetic
from bandit.cuda.formats import DOUBLE, SINGLE, Format
from bandit.cuda.kernels import Kernels, kernels, kernels_of
from bandit.cuda.layout import Layout
from bandit.cuda.target import Real, device

TARGET = (9, 0)
NAMES = ("sample", "best", "merge")

# What rounding leaves to the compiler, or does otherwise than IEEE
LOOSE = {
    "no rounding of its own": r"\b(?:add|sub|mul|div|fma|mad|sqrt|rcp)(?:\.ftz)?\.f(?:32|64)",
    "an approximate result": r"\.approx|\.full\.f",
    "a flush to zero": r"\.ftz",
}


class Resources(NamedTuple):
    """What ptxas says of a kernel."""

    registers: int
    spilled: int
    stack: int


def arguments(form: Format) -> dict[str, tuple[Any, ...]]:
    """Return the types of the kernels' arguments."""
    real, bits = from_dtype(np.dtype(form.real)), from_dtype(np.dtype(form.bits))

    def column(kind: Any) -> Any:
        return types.Array(kind, 1, "C")

    word, index, count = column(types.uint64), column(types.int64), column(types.int32)
    lists = (column(bits), column(types.uint32), count)
    n, columns = types.int64, (column(real), column(real), word)
    return {
        "sample": (n, *columns, word, column(real), count),
        "best": (n, *columns, word, index, word, column(bits), n, *lists),
        "merge": (word, column(bits), n, n, n, *lists, *lists),
    }


def ptx_of(made: Kernels, name: str, fast: bool) -> str:
    """Compile a kernel."""
    signature = types.void(*arguments(made.form)[name])
    function = getattr(made, name).py_func
    return cuda.compile_ptx(function, signature, cc=TARGET, fastmath=fast)[0]


def without_fma(form: Format) -> Kernels:
    """Return the exact kernels with a product and a sum in place of every fma."""
    m = exact_arithmetic(form)
    add, mul = m.add, m.mul

    @device()
    def unfused(a: Real, b: Real, c: Real) -> Real:
        return add(mul(a, b), c)

    return kernels_of(form, Layout(), m._replace(fma=unfused), fast=False)


def faults(form: Format) -> Iterator[str]:
    """Name what breaks IEEE's rules in the exact kernels of a format."""
    unfused = without_fma(form)
    for name in NAMES:
        ptx = ptx_of(kernels(form, Layout(), fast=False), name, fast=False)
        for what, pattern in LOOSE.items():
            if found := re.search(f".*(?:{pattern}).*", ptx):
                yield f"{name} of {form.real.__name__} has {what}: {found[0].strip()}"
        if found := re.search(r".*\bfma\..*", ptx_of(unfused, name, fast=False)):
            yield f"{name} of {form.real.__name__} has an fma not asked for: {found[0].strip()}"


def ptxas() -> Path:
    """Return the assembler of the installed wheels."""
    found = [p for root in sys.path for p in Path(root).glob("nvidia/**/bin/ptxas")]
    if not found:
        sys.exit("ptxas is not installed: pip install nvidia-cuda-nvcc")
    return found[0]


def resources(ptx: str) -> Resources:
    """Assemble a kernel for sm_90."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(ptx)
        command = [ptxas(), "-v", "-arch=sm_90", source, "-o", source.with_suffix(".cubin")]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    number: Callable[[str], int] = lambda text: sum(map(int, re.findall(text, said)))  # noqa: E731
    spilled = number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads")
    return Resources(number(r"Used (\d+) registers"), spilled, number(r"(\d+) bytes stack frame"))


def shared_bytes(form: Format, name: str) -> int:
    """Return the shared memory that a launch asks for."""
    return Layout().shared_bytes(form, selects=name != "sample")


def blocks_at_once(taken: Resources, shared: int) -> int:
    """Return how many blocks share a multiprocessor of compute capability 9.0."""
    threads = Layout().threads
    a_warp = -(-taken.registers * 32 // 256) * 256
    return min(2048 // threads, 65536 // (a_warp * threads // 32), 233472 // (shared + 1024))


def rows() -> Iterator[str]:
    """Make the lines of the table."""
    for form in (SINGLE, DOUBLE):
        for fast in (False, True):
            for name in NAMES[: 2 if fast else 3]:
                taken = resources(ptx_of(kernels(form, Layout(), fast), name, fast))
                shared = shared_bytes(form, name)
                yield (
                    f"| {name}{'_fast' if fast else ''} | {form.real.__name__} | {taken.registers} "
                    f"| {taken.spilled} | {taken.stack} | {shared} "
                    f"| {blocks_at_once(taken, shared)} |"
                )


PAGE = """# What the kernels take of a multiprocessor

`make check-ptx` wrote this page with numba-cuda {numba}, for compute capability 9.0 and blocks of
{threads} threads that draw {tile} arms at a time and rank up to {most}. It compiles the kernels to
PTX, without a device, and assembles them by ptxas -v -arch=sm_90. Shared memory is what a launch
asks for. The last column is how many blocks fit at once into a multiprocessor's 65536 registers,
228 KiB of shared memory and 2048 threads. The verb fails where an exact kernel holds an operation
without a rounding of its own, an approximation or a flush to zero, or an fma that the source
doesn't ask for: with its own replaced by products and sums, none may be left.

| kernel | dtype | registers | bytes spilled | bytes of stack | bytes shared | blocks at once |
|---|---|---|---|---|---|---|
{rows}
"""


def main() -> None:
    """Check, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True)
    table = parser.parse_args().table
    # What device functions are compiled for where there is no device to ask
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=TARGET)
    if found := [fault for form in (SINGLE, DOUBLE) for fault in faults(form)]:
        sys.exit("\n".join(found))
    layout = Layout()
    page = PAGE.format(
        numba=version("numba-cuda"),
        threads=layout.threads,
        tile=layout.tile,
        most=layout.most,
        rows="\n".join(rows()),
    )
    table.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
