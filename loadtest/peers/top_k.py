"""The k best draws of whole columns, by ours and by what others offer, in a process of its own.

    python loadtest/peers/top_k.py betadist 2 FOLDER

It imports nothing of this project but the sampler it is asked for, so that any interpreter runs it.
`loadtest/top_k/contenders.py` states the protocol.
"""

import json
import sys
import time
from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
# One pass: the k best values, and milliseconds of the stages that only the sampler can tell apart
Best = Callable[[], tuple[Any, dict[str, float]]]
# Makes a pass over alpha and beta with a k
Bind = Callable[[Array, Array, int], Best]


def _betadist(threads: int) -> tuple[str, Bind]:
    """Draw under a new key each pass, with lanes as a catalogue's."""
    import betadist

    def bind(alpha: Array, beta: Array, k: int) -> Best:
        keys = count()
        lanes = np.sort(np.random.default_rng(1).integers(0, 2**64, len(alpha), np.uint64))

        def best() -> tuple[Any, dict[str, float]]:
            key = next(keys)
            return betadist.sample_top_k(alpha, beta, key, k, lanes, threads=threads)[1], {}

        return best

    quota = betadist.cpu_quota()
    if threads > quota:
        raise SystemExit(f"{threads} threads are more than the {quota} CPUs that may be used")
    return f"STREAM_VERSION {betadist.STREAM_VERSION}, {betadist.simd_level()}", bind


def _numpy(_: int) -> tuple[str, Bind]:
    generator = np.random.default_rng(1)

    def bind(alpha: Array, beta: Array, k: int) -> Best:
        shapes = alpha.astype(float), beta.astype(float)  # what it would make of them each pass

        def best() -> tuple[Any, dict[str, float]]:
            draws = generator.beta(*shapes)
            chosen = np.argpartition(draws, len(draws) - k)[len(draws) - k :]
            return draws[chosen[np.argsort(-draws[chosen])]], {}

        return best

    return f"numpy {np.__version__}, PCG64", bind


def _torch(threads: int) -> tuple[str, Bind]:
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)

    def bind(alpha: Array, beta: Array, k: int) -> Best:
        shapes = torch.from_numpy(alpha), torch.from_numpy(beta)

        def best() -> tuple[Any, dict[str, float]]:
            first, second = (torch._standard_gamma(shape) for shape in shapes)
            return torch.topk(first / (first + second), k).values, {}

        return best

    return f"torch {torch.__version__}", bind


def _torch_cuda(_: int) -> tuple[str, Bind]:
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("torch finds no CUDA device")
    torch.manual_seed(1)

    def bind(alpha: Array, beta: Array, k: int) -> Best:
        shapes = [torch.from_numpy(column).cuda() for column in (alpha, beta)]
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(3)]

        def best() -> tuple[Any, dict[str, float]]:
            marks[0].record()
            first, second = (torch._standard_gamma(shape) for shape in shapes)
            found = torch.topk(first / (first + second), k)
            marks[1].record()
            values, _ = found.values.cpu(), found.indices.cpu()
            marks[2].record()
            marks[2].synchronize()
            kernel, transfer = (a.elapsed_time(b) for a, b in pairwise(marks))
            return values, {"kernel": kernel, "transfer": transfer}

        return best

    return f"torch {torch.__version__}, {torch.cuda.get_device_name()}", bind


def _cupy(_: int) -> tuple[str, Bind]:
    import cupy

    if not cupy.cuda.is_available():
        raise SystemExit("CuPy finds no CUDA device")
    generator = cupy.random.default_rng(1)

    def bind(alpha: Array, beta: Array, k: int) -> Best:
        shapes = [cupy.asarray(column) for column in (alpha, beta)]
        marks = [cupy.cuda.Event() for _ in range(3)]

        def best() -> tuple[Any, dict[str, float]]:
            marks[0].record()
            first, second = (generator.standard_gamma(s, dtype=np.float32) for s in shapes)
            draws = first / (first + second)
            chosen = cupy.argpartition(draws, len(draws) - k)[len(draws) - k :]
            chosen = chosen[cupy.argsort(-draws[chosen])]
            values = draws[chosen]
            marks[1].record()
            values, _ = values.get(), chosen.get()
            marks[2].record()
            marks[2].synchronize()
            elapsed = cupy.cuda.get_elapsed_time
            kernel, transfer = (elapsed(a, b) for a, b in pairwise(marks))
            return values, {"kernel": kernel, "transfer": transfer}

        return best

    return f"cupy {cupy.__version__}", bind


SAMPLERS: dict[str, Callable[[int], tuple[str, Bind]]] = {
    "betadist": _betadist,
    "numpy": _numpy,
    "torch": _torch,
    "torch-cuda": _torch_cuda,
    "cupy": _cupy,
}


def main(name: str, threads: str, folder: str) -> None:
    """Serve the sampler of a name."""
    serve(*SAMPLERS[name](int(threads)), folder)


def serve(version: str, bind: Bind, folder: str) -> None:
    """Answer the requests on standard input until it ends."""
    print(version, flush=True)
    bound: dict[tuple[str, int], Best] = {}
    for line in sys.stdin:
        _, mix, n, k, milliseconds = line.split()
        name = f"{mix}-{n}-float32.bin"
        if (name, int(k)) not in bound:
            alpha, beta = np.fromfile(Path(folder) / name, np.float32).reshape(2, -1)
            bound = {(name, int(k)): bind(alpha, beta, min(int(k), int(n)))}
            bound[name, int(k)]()
        print(json.dumps(timed(bound[name, int(k)], float(milliseconds))), flush=True)


def timed(best: Best, milliseconds: float) -> dict[str, Any]:
    """Return seconds of each pass, the mean milliseconds of its stages, and the last values."""
    seconds: list[float] = []
    stages: list[dict[str, float]] = []
    stop = time.perf_counter() + milliseconds / 1e3
    while not seconds or time.perf_counter() < stop:
        begin = time.perf_counter()
        values, told = best()
        seconds.append(time.perf_counter() - begin)
        stages.append(told)
    means = {name: sum(each[name] for each in stages) / len(stages) for name in stages[0]}
    values = np.asarray(values, float).tolist()
    return {"seconds": seconds, "stages_ms": means, "values": values}


if __name__ == "__main__":
    main(*sys.argv[1:])
