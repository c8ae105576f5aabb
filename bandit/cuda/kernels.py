"""The kernels: draws of a column, the best draws of each block, and the best of those."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda, from_dtype, int32, uint16, uint32

from bandit.cuda.arithmetic import Arithmetic, exact_arithmetic, fast_arithmetic
from bandit.cuda.draw import COUNTERS, KEPT, drawer
from bandit.cuda.formats import Format
from bandit.cuda.functions import fast_functions, functions
from bandit.cuda.gamma import gammas
from bandit.cuda.layout import Layout
from bandit.cuda.select import pruner
from bandit.cuda.stream import uniforms
from bandit.cuda.target import Word, kernel

__all__ = ["REQUEST", "Kernels", "kernels", "kernels_of"]

# A request, as a row of uint64
KEY, INCLUDE, EXCLUDE, WITHOUT_FROM, WITHOUT_TO, K = range(6)
REQUEST = 6


class Kernels(NamedTuple):
    """The kernels of one format, exact or fast, and what they are made of."""

    form: Format
    layout: Layout
    sample: Any
    best: Any
    merge: Any


@cache
def kernels(form: Format, layout: Layout, fast: bool) -> Kernels:
    """Return the kernels, which are compiled when they are first launched."""
    return kernels_of(form, layout, fast_arithmetic(form) if fast else exact_arithmetic(form), fast)


def kernels_of(form: Format, layout: Layout, m: Arithmetic, fast: bool) -> Kernels:
    """Return kernels in that arithmetic."""
    u = uniforms(form, m)
    f = fast_functions(form, m) if fast else functions(form, m)
    steps = gammas(form, m, f, u)
    draw = drawer(form, layout, steps, fast)
    prune = pruner(form, layout)
    return Kernels(
        form,
        layout,
        _sample(form, layout, draw, steps.ratio, fast),
        _best(form, layout, draw, steps.ratio, m.bits, prune, fast),
        _merge(form, layout, prune),
    )


def _sample(form: Format, layout: Layout, draw: Any, ratio: Any, fast: bool) -> Any:
    threads, tile = layout.threads, layout.tile
    real, zero, infinity = form.real, form.real(0), form.real(np.inf)
    size, real_type = np.dtype(form.real).itemsize, from_dtype(np.dtype(form.real))

    @kernel(fast)
    def sample(n: int, alpha: Any, beta: Any, lanes: Any, key: Any, out: Any, unfit: Any) -> None:
        """Draw n; `unfit[0]` is set where a shape isn't finite and > 0."""
        first = cuda.shared.array(0, real_type)[0:tile]
        second = cuda.shared.array(0, real_type)[tile : 2 * tile]
        lists = cuda.shared.array(0, uint16)[tile * size : tile * size + 3 * tile]
        at = tile * (size + 3) // 2
        counters = cuda.shared.array(0, int32)[at : at + COUNTERS]
        shared = (first, second, lists, counters)
        start: Any = np.int64(cuda.blockIdx.x) * tile
        while start < n:
            count = min(tile, n - start)
            for i in range(cuda.threadIdx.x, count, threads):
                a, b = alpha[start + i], beta[start + i]
                fit = zero < a < infinity and zero < b < infinity
                first[i] = zero if fit else real(-1)
                if not fit:
                    unfit[0] = 1
            draw((alpha, beta, lanes), key[0], start, count, shared)
            for i in range(cuda.threadIdx.x, count, threads):
                out[start + i] = ratio(first[i], second[i])
            cuda.syncthreads()
            start += np.int64(cuda.gridDim.x) * tile

    return sample


@cuda.jit(device=True)
def position_of(sorted_: Any, begin: int, end: int, value: int) -> int:
    """Return the first position in [begin, end) of what isn't less than `value`."""
    while begin < end:
        middle = (begin + end) >> 1
        if sorted_[middle] < value:
            begin = middle + 1
        else:
            end = middle
    return begin


def _best(
    form: Format, layout: Layout, draw: Any, ratio: Any, bits_of: Any, prune: Any, fast: bool
) -> Any:
    threads, tile, room = layout.threads, layout.tile, layout.room
    real, zero, bits = form.real, form.real(0), form.bits
    size, real_type = np.dtype(form.real).itemsize, from_dtype(np.dtype(form.real))
    bits_type = from_dtype(np.dtype(form.bits))
    no_tags = np.uint64(0)

    @cuda.jit(device=True)
    def mark(tags: Any, without: Any, requests: Any, r: int, start: int, n: int, to: Any) -> None:
        """Make `to` negative for the arms of a tile that aren't eligible, and 0 for the others."""
        include, exclude = requests[r * REQUEST + INCLUDE], requests[r * REQUEST + EXCLUDE]
        for i in range(cuda.threadIdx.x, n, threads):
            to[i] = zero
            if include != no_tags and (tags[start + i] & include) == no_tags:
                to[i] = real(-1)
            if exclude != no_tags and (tags[start + i] & exclude) != no_tags:
                to[i] = real(-1)
        begin, end = (
            np.int64(requests[r * REQUEST + WITHOUT_FROM]),
            np.int64(requests[r * REQUEST + WITHOUT_TO]),
        )
        if begin == end:
            return
        begin = position_of(without, begin, end, start)
        end = position_of(without, begin, end, start + n)
        cuda.syncthreads()
        for i in range(begin + cuda.threadIdx.x, end, threads):
            to[without[i] - start] = real(-1)

    @kernel(fast)
    def best(
        n: int,
        alpha: Any,
        beta: Any,
        lanes: Any,
        tags: Any,
        without: Any,
        requests: Any,
        bounds: Any,
        stride: int,
        scores: Any,
        places: Any,
        counts: Any,
    ) -> None:
        """Leave the k best of each block's draws for each request, best first.

        Parameters
        ----------
        bounds : uint[requests]
            A score that k draws of one block reach, for each request; 0 at first.
        scores, places : [requests x blocks x stride], counts : [requests x blocks]
        """
        first = cuda.shared.array(0, real_type)[0:tile]
        second = cuda.shared.array(0, real_type)[tile : 2 * tile]
        score = cuda.shared.array(0, bits_type)[2 * tile : 2 * tile + room]
        at = (2 * tile + room) * size
        place = cuda.shared.array(0, uint32)[at // 4 : at // 4 + room]
        at += 4 * room
        lists = cuda.shared.array(0, uint16)[at // 2 : at // 2 + 3 * tile]
        at += 6 * tile
        counters = cuda.shared.array(0, int32)[at // 4 : at // 4 + COUNTERS]

        r, block = cuda.blockIdx.y, cuda.blockIdx.x
        k = np.int64(requests[r * REQUEST + K])
        key: Word = requests[r * REQUEST + KEY]
        shared = (first, second, lists, counters)
        start: Any = np.int64(block) * tile
        least = bits(0)
        if cuda.threadIdx.x == 0:
            counters[KEPT] = 0
        cuda.syncthreads()
        while start < n:
            count = min(tile, n - start)
            mark(tags, without, requests, r, start, count, first)
            draw((alpha, beta, lanes), key, start, count, shared)
            bound = max(least, bounds[r])
            for i in range(cuda.threadIdx.x, count, threads):
                if first[i] >= zero:
                    reached = bits_of(ratio(first[i], second[i]))
                    if reached >= bound:
                        to = cuda.atomic.add(counters, KEPT, 1)
                        score[to] = reached
                        place[to] = np.uint32(start + i)
            cuda.syncthreads()
            if counters[KEPT] > room - tile:
                # of later draws, an equal one comes after all that are kept
                least = bits(prune(score, place, counters, k, bounds, r) + bits(1))
            start += np.int64(cuda.gridDim.x) * tile
        prune(score, place, counters, k, bounds, r)
        to_list = np.int64(r) * cuda.gridDim.x + block
        for i in range(cuda.threadIdx.x, counters[KEPT], threads):
            scores[to_list * stride + i] = score[i]
            places[to_list * stride + i] = place[i]
        if cuda.threadIdx.x == 0:
            counts[to_list] = counters[KEPT]

    return best


def _merge(form: Format, layout: Layout, prune: Any) -> Any:
    threads, room = layout.threads, layout.room
    bits_type, size = from_dtype(np.dtype(form.bits)), np.dtype(form.bits).itemsize

    @kernel()
    def merge(
        requests: Any,
        bounds: Any,
        stride: int,
        lists: int,
        fan: int,
        scores: Any,
        places: Any,
        counts: Any,
        to_scores: Any,
        to_places: Any,
        to_counts: Any,
    ) -> None:
        """Leave the k best of `fan` of a request's lists; what is below the bound is left out."""
        score = cuda.shared.array(0, bits_type)[0:room]
        place = cuda.shared.array(0, uint32)[room * size // 4 : room * size // 4 + room]
        at = room * (size + 4) // 4
        counters = cuda.shared.array(0, int32)[at : at + COUNTERS]
        r, block = cuda.blockIdx.y, cuda.blockIdx.x
        k = np.int64(requests[r * REQUEST + K])
        if cuda.threadIdx.x == 0:
            counters[KEPT] = 0
        cuda.syncthreads()
        for one in range(block * fan, min(block * fan + fan, lists)):
            source = np.int64(r) * lists + one
            for i in range(cuda.threadIdx.x, counts[source], threads):
                if scores[source * stride + i] >= bounds[r]:
                    to = cuda.atomic.add(counters, KEPT, 1)
                    score[to] = scores[source * stride + i]
                    place[to] = places[source * stride + i]
            cuda.syncthreads()
            full = counters[KEPT] + k > room
            cuda.syncthreads()
            if full:
                prune(score, place, counters, k, bounds, r)
        prune(score, place, counters, k, bounds, r)
        to_list = np.int64(r) * cuda.gridDim.x + block
        for i in range(cuda.threadIdx.x, counters[KEPT], threads):
            to_scores[to_list * stride + i] = score[i]
            to_places[to_list * stride + i] = place[i]
        if cuda.threadIdx.x == 0:
            to_counts[to_list] = counters[KEPT]

    return merge
