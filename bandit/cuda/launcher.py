"""Launches on one stream, by one thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from bandit.cuda.buffers import Pair
from bandit.cuda.formats import Format, format_of
from bandit.cuda.kernels import REQUEST, Kernels, kernels
from bandit.cuda.layout import Layout
from bandit.cuda.requests import Best, Draw, DrawResident
from bandit.posterior import Column

__all__ = ["BATCH", "Launcher", "Timing"]

BATCH = 32  # requests in one launch at most
BLOCKS_EACH = 4  # blocks on a multiprocessor at once


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one launch by the device's own clock, and what it was for."""

    requests: int
    arms: int
    upload_ms: float
    kernel_ms: float
    download_ms: float


class _Clock:
    """Events between the stages of a launch; none where nobody looks at them."""

    def __init__(self, observed: bool, stream: Any) -> None:
        self._events = [cuda.event() for _ in range(4)] if observed else []
        self._stream = stream

    def mark(self, stage: int) -> None:
        if self._events:
            self._events[stage].record(self._stream)

    def timing(self, requests: int, arms: int) -> Timing:
        pairs = zip(self._events, self._events[1:], strict=False)
        return Timing(requests, arms, *(float(a.elapsed_time(b)) for a, b in pairs))


class _Lists:
    """Lists of candidates on the device, and the best of them on the host."""

    def __init__(self, form: Format, entries: int, lists: int) -> None:
        self.scores = Pair(form.bits, entries)
        self.places = Pair(np.uint32, entries)
        self.counts = Pair(np.int32, lists)


class _Workspace:
    """Memory of the launches in one format."""

    def __init__(self, form: Format) -> None:
        self.requests = Pair(np.uint64, BATCH * REQUEST)
        self.without = Pair(np.int64)
        self.bounds = Pair(form.bits, BATCH)
        self.lists = tuple(_Lists(form, 1024, 1024) for _ in range(2))
        self.alpha = Pair(form.real)
        self.beta = Pair(form.real)
        self.lanes = Pair(np.uint64)
        self.key = Pair(np.uint64, 1)
        self.drawn = Pair(form.real)
        self.unfit = Pair(np.int32, 1)


class Launcher:
    """Runs kernels; not to be called by two threads at once."""

    def __init__(self, layout: Layout, observe: Callable[[Timing], None] | None) -> None:
        self._layout = layout
        self._observe = observe
        self._stream = cuda.stream()
        self._workspaces: dict[Format, _Workspace] = {}
        device = cuda.get_current_device()
        self._blocks = BLOCKS_EACH * getattr(device, "MULTIPROCESSOR_COUNT", 1)

    def draw(self, asked: Draw | DrawResident) -> tuple[Column, bool]:
        """Return the draws, and whether all shapes were fit to be drawn from."""
        resident = isinstance(asked, DrawResident)
        source: Any = asked.columns if isinstance(asked, DrawResident) else asked
        form = source.form if resident else format_of(source.alpha.dtype)
        space, clock, stream = self._space(form), self._clock(), self._stream
        n = source.n if resident else len(source.lanes)
        clock.mark(0)
        columns = (source.alpha, source.beta, source.lanes)
        if not resident:
            pairs = (space.alpha, space.beta, space.lanes)
            columns = tuple(p.put(c, stream) for p, c in zip(pairs, columns, strict=True))
        key = space.key.put(np.array([asked.key], np.uint64), stream)
        unfit = space.unfit.put(np.zeros(1, np.int32), stream)
        drawn = space.drawn.reserve(n)
        clock.mark(1)
        run = kernels(form, self._layout, asked.fast)
        grid = min(self._tiles(n), self._blocks)
        size = self._layout.shared_bytes(form, selects=False)
        run.sample[grid, self._layout.threads, stream, size](n, *columns, key, drawn, unfit)
        clock.mark(2)
        out, flag = space.drawn.get(n, stream), space.unfit.get(1, stream)
        clock.mark(3)
        self._finish(clock, 1, n)
        return out.copy(), flag[0] == 0

    def best(self, asked: Sequence[Best]) -> list[tuple[NDArray[np.int64], Column]]:
        """Return positions and draws of the best, for up to BATCH requests of the same columns."""
        columns, fast = asked[0].columns, asked[0].fast
        space, clock, stream = self._space(columns.form), self._clock(), self._stream
        clock.mark(0)
        requests, without = self._put(asked, space)
        bounds = space.bounds.put(np.zeros(len(asked), columns.form.bits), stream)
        clock.mark(1)
        run = kernels(columns.form, self._layout, fast)
        stride = max(a.k for a in asked)
        lists = max(1, min(self._tiles(columns.n), self._blocks // len(asked)))
        now, other = space.lists
        self._reserve(now, len(asked) * lists, stride)
        self._reserve(other, len(asked) * lists, stride)
        size = self._layout.shared_bytes(columns.form, selects=True)
        run.best[(lists, len(asked)), self._layout.threads, stream, size](
            columns.n,
            columns.alpha,
            columns.beta,
            columns.lanes,
            columns.tags,
            without,
            requests,
            bounds,
            stride,
            *_devices(now),
        )
        now = self._merged(run, len(asked), requests, bounds, stride, lists, now, other)
        clock.mark(2)
        scores = now.scores.get(len(asked) * stride, stream)
        places = now.places.get(len(asked) * stride, stream)
        counts = now.counts.get(len(asked), stream)
        clock.mark(3)
        self._finish(clock, len(asked), columns.n)
        return [
            (
                places[i * stride : i * stride + count].astype(np.int64),
                scores[i * stride : i * stride + count].copy().view(columns.form.real),
            )
            for i, count in enumerate(counts.tolist())
        ]

    def _merged(
        self,
        run: Kernels,
        requests_count: int,
        requests: Any,
        bounds: Any,
        stride: int,
        lists: int,
        now: _Lists,
        other: _Lists,
    ) -> _Lists:
        """Merge as many lists at a time as fit into a block, until each request has one."""
        fan = max(2, self._layout.room // stride)
        size = self._layout.shared_bytes(run.form, selects=True)
        while lists > 1:
            blocks = -(-lists // fan)
            run.merge[(blocks, requests_count), self._layout.threads, self._stream, size](
                requests, bounds, stride, lists, fan, *_devices(now), *_devices(other)
            )
            lists, now, other = blocks, other, now
        return now

    def _put(self, asked: Sequence[Best], space: _Workspace) -> tuple[Any, Any]:
        rows = np.zeros((len(asked), REQUEST), np.uint64)
        ends = np.cumsum([len(a.eligible.without) for a in asked])
        for row, a, end in zip(rows, asked, ends.tolist(), strict=True):
            begin = end - len(a.eligible.without)
            row[:] = (a.key, a.eligible.include, a.eligible.exclude, begin, end, a.k)
        without = np.concatenate([a.eligible.without for a in asked])
        return space.requests.put(rows.ravel(), self._stream), space.without.put(
            without, self._stream
        )

    def _reserve(self, lists: _Lists, count: int, stride: int) -> None:
        lists.scores.reserve(count * stride)
        lists.places.reserve(count * stride)
        lists.counts.reserve(count)

    def _space(self, form: Format) -> _Workspace:
        if form not in self._workspaces:
            self._workspaces[form] = _Workspace(form)
        return self._workspaces[form]

    def _clock(self) -> _Clock:
        return _Clock(self._observe is not None, self._stream)

    def _finish(self, clock: _Clock, requests: int, arms: int) -> None:
        self._stream.synchronize()
        if self._observe is not None:
            self._observe(clock.timing(requests, arms))

    def _tiles(self, n: int) -> int:
        return -(-n // self._layout.tile)


def _devices(lists: _Lists) -> tuple[Any, Any, Any]:
    return lists.scores.device, lists.places.device, lists.counts.device
