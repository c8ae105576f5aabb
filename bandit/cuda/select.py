"""The best of a block's candidates: (score, place) pairs in shared memory, best first."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

from bandit.cuda.draw import KEPT
from bandit.cuda.formats import Format
from bandit.cuda.layout import Layout
from bandit.cuda.target import Bits

__all__ = ["pruner"]


def pruner(form: Format, layout: Layout) -> Callable[..., Any]:
    """Return what sorts a block's candidates, keeps k and raises the bound of all blocks.

    A score is a draw's bits, ordered like the draws as those are >= 0; equal ones go by place.
    Batcher's bitonic network (1968), over as many as there are.
    """
    threads, bits, last = layout.threads, form.bits, np.uint32(0xFFFFFFFF)

    @cuda.jit(device=True)
    def order(score: Any, place: Any, i: int, j: int, forwards: bool) -> None:
        better = score[j] > score[i] or (score[j] == score[i] and place[j] < place[i])
        if better == forwards:
            score[i], score[j] = score[j], score[i]
            place[i], place[j] = place[j], place[i]

    @cuda.jit(device=True)
    def sort(score: Any, place: Any, size: int) -> None:
        run = 2
        while run <= size:
            reach = run >> 1
            while reach > 0:
                for pair in range(cuda.threadIdx.x, size >> 1, threads):
                    i = 2 * pair - (pair & (reach - 1))
                    order(score, place, i, i + reach, (i & run) == 0)
                cuda.syncthreads()
                reach >>= 1
            run <<= 1

    @cuda.jit(device=True)
    def prune(score: Any, place: Any, counters: Any, k: int, bounds: Any, request: int) -> Bits:
        """Return the k-th score, 0 where there are fewer. Begins and ends with a barrier."""
        cuda.syncthreads()
        count = counters[KEPT]
        size = 2
        while size < count:
            size <<= 1
        for i in range(count + cuda.threadIdx.x, size, threads):
            score[i] = bits(0)
            place[i] = last
        cuda.syncthreads()
        sort(score, place, size)
        kth = bits(0)
        if count >= k:
            kth = score[k - 1]
            if cuda.threadIdx.x == 0:
                counters[KEPT] = k
                cuda.atomic.max(bounds, request, kth)
        cuda.syncthreads()
        return kth

    return prune
