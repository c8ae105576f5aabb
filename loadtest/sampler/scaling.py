"""What a second thread brings: callers at once, and `threads=2` within one call.

    python -m loadtest.sampler.scaling --rounds 31

The contenders take turns within every round, so that a change of the machine's speed falls on both;
a ratio is of one round, and its median and quartiles are over the rounds. 2 is perfect, 1 no gain:
what is left of short calls holds the GIL, and other processes take their share of the cores.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

import betadist
from loadtest.markdown import markdown_table
from loadtest.sampler.mixes import shapes

Column = NDArray[Any]  # float32 or float64

SIZES = (400, 10_000, 1_000_000)
CALLERS = 2
IDLE_S = (0, 0.003)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=31)
    rounds = parser.parse_args().rounds
    calls = "threads=2 over threads=1"
    columns = [
        "dtype",
        "n",
        "throughput of 2 callers over 1",
        calls,
        f"{calls}, after 3 ms of sleep",
    ]
    rows = []
    for dtype in ("float32", "float64"):
        for n in SIZES:
            alpha, beta = (column.astype(dtype) for column in shapes("warm", n, dtype))
            callers = describe(caller_ratios(alpha, beta, rounds))
            if n < SIZES[-1]:
                rows.append([dtype, f"{n}", callers, "-", "-"])
                continue
            threads = [describe(thread_ratios(alpha, beta, rounds, idle_s)) for idle_s in IDLE_S]
            rows.append([dtype, f"{n}", callers, *threads])
    print(markdown_table(columns, rows))


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` took by the clock on the wall."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def caller_ratios(alpha: Column, beta: Column, rounds: int) -> list[float]:
    """Return the throughput of two Python threads that call at once over that of one."""
    calls = max(1, 4_000_000 // len(alpha))
    outs = [np.empty_like(alpha) for _ in range(CALLERS)]

    def call(caller: int) -> None:
        for key in range(calls):
            betadist.sample(alpha, beta, key, out=outs[caller])

    with ThreadPoolExecutor(CALLERS) as pool:

        def together() -> None:
            list(pool.map(call, range(CALLERS)))

        together()
        return [CALLERS * seconds(lambda: call(0)) / seconds(together) for _ in range(rounds)]


def thread_ratios(alpha: Column, beta: Column, rounds: int, idle_s: float) -> list[float]:
    """Return the time of a call with one thread over its time with two, each after a sleep."""
    out = np.empty_like(alpha)

    def call(threads: int) -> float:
        time.sleep(idle_s)
        return seconds(lambda: betadist.sample(alpha, beta, 1, out=out, threads=threads))

    call(2)
    return [call(1) / call(2) for _ in range(rounds)]


def describe(ratios: list[float]) -> str:
    """Return the median and the quartiles."""
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.2f} ({low:.2f}..{high:.2f})"


if __name__ == "__main__":
    main()
