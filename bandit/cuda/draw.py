"""Draws of a tile of arms by the threads of one block."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

from bandit.cuda.formats import Format
from bandit.cuda.gamma import Gammas
from bandit.cuda.layout import Layout
from bandit.cuda.target import Word

__all__ = ["COUNTERS", "KEPT", "drawer"]

# Counters in shared memory
OPEN, AGAIN, LESS_THAN_ONE, KEPT = 0, 1, 2, 3
COUNTERS = 4

MAX_ATTEMPTS = 64

Columns = tuple[Any, Any, Any]  # alpha, beta, lanes
Block = tuple[Any, Any, Any, Any]  # both gammas, three lists of positions, counters


def drawer(form: Format, layout: Layout, steps: Gammas, fast: bool) -> Callable[..., Any]:
    """Return what leaves the two gammas of each wanted arm of a tile in shared memory.

    The arms that the squeeze leaves undecided, and those with a shape < 1, are listed and worked on
    side by side, so no warp goes on because of one of its lanes.
    """
    propose, settle, centre, boost = steps.propose, steps.settle, steps.centre, steps.boost
    threads, tile, zero, one = layout.threads, layout.tile, form.real(0), form.real(1)
    index = np.uint16

    @cuda.jit(device=True, fastmath=fast)
    def propose_all(columns: Columns, key: Word, start: int, count: int, block: Block) -> None:
        alpha, beta, lanes = columns
        first, second, lists, counters = block
        for i in range(cuda.threadIdx.x, count, threads):
            if first[i] < zero:
                continue
            a, b = alpha[start + i], beta[start + i]
            g1, g2, sure = propose(key, lanes[start + i], a, b)
            first[i] = g1
            second[i] = g2
            if not sure:
                lists[cuda.atomic.add(counters, OPEN, 1)] = index(i)
            if a < one or b < one:
                lists[2 * tile + cuda.atomic.add(counters, LESS_THAN_ONE, 1)] = index(i)

    @cuda.jit(device=True, fastmath=fast)
    def settle_all(columns: Columns, key: Word, start: int, block: Block) -> None:
        alpha, beta, lanes = columns
        first, second, lists, counters = block
        side = 0
        attempt = 0
        waiting = counters[OPEN]
        while waiting > 0 and attempt < MAX_ATTEMPTS:
            if cuda.threadIdx.x == 0:
                counters[1 - side] = 0
            cuda.syncthreads()
            for at in range(cuda.threadIdx.x, waiting, threads):
                i = np.int64(lists[side * tile + at])
                a, b = alpha[start + i], beta[start + i]
                g1, g2, accepted = settle(key, lanes[start + i], a, b, np.uint32(attempt))
                first[i] = g1
                second[i] = g2
                if not accepted:
                    to = cuda.atomic.add(counters, 1 - side, 1)
                    lists[(1 - side) * tile + to] = index(i)
            cuda.syncthreads()
            side = 1 - side
            attempt += 1
            waiting = counters[side]
        for at in range(cuda.threadIdx.x, waiting, threads):
            i = np.int64(lists[side * tile + at])
            first[i] = centre(alpha[start + i])
            second[i] = centre(beta[start + i])
        cuda.syncthreads()

    @cuda.jit(device=True, fastmath=fast)
    def boost_all(columns: Columns, key: Word, start: int, block: Block) -> None:
        alpha, beta, lanes = columns
        first, second, lists, counters = block
        for at in range(cuda.threadIdx.x, counters[LESS_THAN_ONE], threads):
            i = np.int64(lists[2 * tile + at])
            a, b = alpha[start + i], beta[start + i]
            g1, g2 = boost(key, lanes[start + i], a, b, first[i], second[i])
            first[i] = g1
            second[i] = g2
        cuda.syncthreads()

    @cuda.jit(device=True, fastmath=fast)
    def draw(columns: Columns, key: Word, start: int, count: int, block: Block) -> None:
        """Draw where `first` isn't negative. Begins behind a barrier and ends with one."""
        counters = block[3]
        if cuda.threadIdx.x == 0:
            counters[OPEN] = 0
            counters[LESS_THAN_ONE] = 0
        cuda.syncthreads()
        propose_all(columns, key, start, count, block)
        cuda.syncthreads()
        settle_all(columns, key, start, block)
        boost_all(columns, key, start, block)

    return draw
