"""The samplers that Python calls, each in a process of its own.

    python loadtest/peers/python.py pcg64 FOLDER

It imports nothing of this project but the sampler it is asked for, so that any interpreter runs it.
`loadtest/sampler/protocol.py` states the protocol.
"""

import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
# One pass over a case's elements; its result is anything that NumPy reads as an array
Draw = Callable[[], Any]
# A version, and what makes a pass from alpha and beta
Sampler = tuple[str, Callable[[Array, Array], Draw]]


def _betadist() -> Sampler:
    """Draw into a new array, as NumPy does, under a new key each pass."""
    import betadist

    def bind(alpha: Array, beta: Array) -> Draw:
        keys = count()
        return lambda: betadist.sample(alpha, beta, next(keys))

    return f"STREAM_VERSION {betadist.STREAM_VERSION}, {betadist.simd_level()}", bind


def _numpy(bits: str) -> Sampler:
    generator = np.random.Generator(getattr(np.random, bits)(1))
    version = f"numpy {np.__version__}, {bits}"
    return version, lambda alpha, beta: lambda: generator.beta(alpha, beta)


def _scipy() -> Sampler:
    import scipy
    from scipy.stats import beta as distribution

    generator = np.random.default_rng(1)
    rvs = distribution.rvs
    return (
        f"scipy {scipy.__version__}, PCG64",
        lambda alpha, beta: lambda: rvs(alpha, beta, random_state=generator),
    )


def _torch() -> Sampler:
    """Make the distribution once for its shapes, untimed."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)

    def bind(alpha: Array, beta: Array) -> Draw:
        shapes = torch.from_numpy(alpha), torch.from_numpy(beta)
        draw: Draw = torch.distributions.Beta(*shapes, validate_args=False).sample
        return draw

    return f"torch {torch.__version__}", bind


def _mkl() -> Sampler:
    import mkl_random

    state = mkl_random.MKLRandomState(1, brng="SFMT19937")
    version = f"mkl_random {mkl_random.__version__}, SFMT19937"
    return version, lambda alpha, beta: lambda: state.beta(alpha, beta)


SAMPLERS: dict[str, Callable[[], Sampler]] = {
    "betadist": _betadist,
    "pcg64": lambda: _numpy("PCG64"),
    "sfc64": lambda: _numpy("SFC64"),
    "philox": lambda: _numpy("Philox"),
    "scipy": _scipy,
    "torch": _torch,
    "mkl": _mkl,
}


def main(name: str, folder: str) -> None:
    """Answer the requests on standard input until it ends."""
    version, bind = SAMPLERS[name]()
    print(version, flush=True)
    for line in sys.stdin:
        _, mix, n, dtype, milliseconds = line.split()
        alpha, beta = np.fromfile(Path(folder) / f"{mix}-{n}-{dtype}.bin", dtype).reshape(2, -1)
        draw = bind(alpha, beta)
        passes, nanoseconds, last = timed(draw, int(n), float(milliseconds))
        draws = np.asarray(last, np.float64)
        moments = draws.mean(), np.square(draws).mean()
        print(passes * int(n), nanoseconds, *map(float, moments), flush=True)


def timed(draw: Draw, n: int, milliseconds: float) -> tuple[int, int, Any]:
    """Return passes, CPU nanoseconds and the last draws; the wall's clock is read every 4096."""
    batch = range(max(1, 4096 // n))
    stop = time.monotonic() + milliseconds / 1e3
    passes, before = 0, time.process_time_ns()
    while not passes or time.monotonic() < stop:
        for _ in batch:
            draws = draw()
        passes += len(batch)
    return passes, time.process_time_ns() - before, draws


if __name__ == "__main__":
    main(*sys.argv[1:])
