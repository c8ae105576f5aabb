"""The k best draws of whole columns by the service's own CUDA back end, in a process of its own.

python -m loadtest.top_k.cuda exact FOLDER
"""

import sys
from importlib import import_module
from itertools import count
from typing import Any

import numpy as np

from bandit.arms import Arms, Eligible
from loadtest.peers.top_k import Array, Best, serve

__all__ = ["main"]


def main(name: str, folder: str) -> None:
    """Serve the exact kernel or the fast one."""
    back_end = import_module("bandit.sampler_cuda")
    timings: list[Any] = []
    try:
        sampler = back_end.CudaSampler(("float32",), observe=timings.append)
    except back_end.GpuUnavailable as error:
        sys.exit(str(error))
    draw = sampler.top_k if name == "exact" else sampler.top_k_fast

    def bind(alpha: Array, beta: Array, k: int) -> Best:
        keys = count()
        lanes = np.sort(np.random.default_rng(1).integers(0, 2**64, len(alpha), np.uint64))
        arms = Arms(alpha, beta, lanes)
        sampler.prepare(arms)

        def best() -> tuple[Any, dict[str, float]]:
            timings.clear()
            _, values = draw(arms, Eligible(), next(keys), k)
            (timing,) = timings
            transfer = timing.upload_ms + timing.download_ms
            return values, {"kernel": timing.kernel_ms, "transfer": transfer}

        return best

    serve(f"CudaSampler, {name} kernel", bind, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
