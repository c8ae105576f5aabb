"""Who draws the best of whole columns, and how each is started.

A contender's process is started with the folder of the columns as its last argument and writes its
version in one line. Then it answers each request

    top MIX N K MILLISECONDS

with one line of JSON: `seconds` of each pass over the columns of `MIX-N-float32.bin`, by the clock
on the wall, until the time is up; `values`, the last pass's k best draws, best first; `stages_ms`,
milliseconds by the device's clock on average, where there is a device. It leaves when its input
ends. Columns are taken to memory, or to the device, before the first pass, as a service holds them.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loadtest.sampler.protocol import Failed

__all__ = ["CONTENDERS", "ONE", "REFERENCE", "TWO", "Contender"]

ROOT = Path(__file__).parents[2]
PEER = ROOT / "loadtest" / "peers" / "top_k.py"
APART = ROOT / "build" / "peers" / "venv" / "bin" / "python"
ONE, TWO = "betadist, 1 thread", "betadist, 2 threads"
REFERENCE = "NumPy: beta, argpartition"


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to the k best: `command` says how it is started, or raises `Failed`."""

    name: str
    command: Callable[[], list[str]]
    device: bool = False


def _here(sampler: str, threads: int = 1) -> Callable[[], list[str]]:
    return lambda: [sys.executable, str(PEER), sampler, str(threads)]


def _apart(sampler: str, threads: int = 1) -> Callable[[], list[str]]:
    def command() -> list[str]:
        if not APART.exists():
            raise Failed("not installed; `make bench-peers` does that")
        return [str(APART), str(PEER), sampler, str(threads)]

    return command


def _cuda(kernel: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, "-m", "loadtest.top_k.cuda", kernel]


CONTENDERS = (
    Contender(ONE, _here("betadist", 1)),
    Contender(TWO, _here("betadist", 2)),
    Contender(REFERENCE, _here("numpy")),
    Contender("torch: gamma ratio, topk, 1 thread", _apart("torch", 1)),
    Contender("torch: gamma ratio, topk, 2 threads", _apart("torch", 2)),
    Contender("CUDA, exact kernel", _cuda("exact"), device=True),
    Contender("CUDA, fast kernel", _cuda("fast"), device=True),
    Contender("torch on CUDA: gamma ratio, topk", _apart("torch-cuda"), device=True),
    Contender("CuPy: gamma ratio, argpartition", _here("cupy"), device=True),
)
