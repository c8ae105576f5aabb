"""The sampler's back end on a CUDA device (extra `gpu`)."""

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import betadist
from bandit.arms import Arms, Eligible
from bandit.cuda.unavailable import GpuUnavailable, translated
from bandit.posterior import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from bandit.cuda.launcher import Timing
    from bandit.cuda.layout import Layout
    from bandit.cuda.requests import Best, Draw, DrawResident

__all__ = ["CudaSampler", "GpuUnavailable"]

COMPILING_S = 120.0

Ranked = tuple[NDArray[np.int64], Column]


class CudaSampler:
    """Draws what `betadist` draws, bit for bit, on a CUDA device.

    Implements `bandit.sampler.Sampler`. Any thread may call; one thread of its own launches, and
    takes the requests for the same arms that came meanwhile in one launch.

    Parameters
    ----------
    precisions : tuple of str
        What to compile and to check at once: "float32", "float64" or both.
    patience_s : float
        Seconds to wait for an answer of the device before it is taken for broken; two minutes where
        the kernel is yet to be compiled.
    observe : callable, optional
        Called with a `bandit.cuda.launcher.Timing` after each launch, by the launching thread.
    layout : bandit.cuda.layout.Layout, optional
        How the work is cut into blocks.
    simulator : bool
        Whether Numba's simulator of a device will do: for tests, as it is a million times slower.

    Raises
    ------
    GpuUnavailable
        Without Numba, a driver or a device, where a launch fails, and where a pinned draw comes out
        differently. Every method raises it too, and never anything else for the device's sake.
    """

    def __init__(
        self,
        precisions: tuple[str, ...] = ("float32", "float64"),
        *,
        patience_s: float = 5.0,
        observe: "Callable[[Timing], None] | None" = None,
        layout: "Layout | None" = None,
        simulator: bool = False,
    ) -> None:
        with translated("no CUDA device can be used"):
            parts = _parts(simulator)
            self._layout = layout or parts.Layout()
            self._residents = parts.Residents()
            self._requests = parts
            self._worker = parts.Worker(lambda: parts.Launcher(self._layout, observe))
        self._patience_s = patience_s
        self._launched: set[tuple[Any, ...]] = set()
        with translated("the device failed its self-test"):
            for precision in precisions:
                _check(self, precision, 2 * self._layout.tile + 1)

    @property
    def rows_copied(self) -> int:
        """Rows of resident columns that were copied to the device so far."""
        copied: int = self._residents.rows_copied
        return copied

    def prepare(self, arms: Arms) -> None:
        """Copy arms to the device ahead of their first request.

        Of arms with the lanes of resident ones, only stretches of rows that differ are copied.
        """
        self._columns(arms)

    def sample(self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64]) -> Column:
        """See `Sampler`."""
        return self._sample(alpha, beta, key, lanes, fast=False)

    def sample_fast(
        self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64]
    ) -> Column:
        """Draw from the same stream by approximate functions.

        The distribution is the same as far as draws can show; the bits are not, and a lane whose
        acceptance is close may draw something else.
        """
        return self._sample(alpha, beta, key, lanes, fast=True)

    def top_k(self, arms: Arms, eligible: Eligible, key: int, k: int) -> Ranked:
        """See `Sampler`. Above the layout's `most` all draws come to the host to be ranked."""
        return self._top_k(arms, eligible, key, k, fast=False)

    def top_k_fast(self, arms: Arms, eligible: Eligible, key: int, k: int) -> Ranked:
        """Rank draws like those of `sample_fast`."""
        return self._top_k(arms, eligible, key, k, fast=True)

    def close(self) -> None:
        """Answer what was asked and end the launching thread."""
        self._worker.close()

    def _sample(
        self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64], *, fast: bool
    ) -> Column:
        if len(lanes) == 0 or not len(lanes) == len(alpha) == len(beta):
            return betadist.sample(alpha, beta, key, lanes)
        drawn, fit = self._ask(self._requests.Draw(alpha, beta, lanes, key, fast))
        out: Column = drawn if fit else betadist.sample(alpha, beta, key, lanes)  # says what is not
        return out

    def _top_k(self, arms: Arms, eligible: Eligible, key: int, k: int, *, fast: bool) -> Ranked:
        k = min(k, len(arms))
        if k <= 0 or (arms.tags is None and eligible.include):
            return np.empty(0, np.int64), np.empty(0, arms.alpha.dtype)
        if arms.tags is None and eligible.exclude:
            eligible = Eligible(without=eligible.without)
        columns = self._columns(arms)
        if k > self._layout.most:
            drawn, _ = self._ask(self._requests.DrawResident(columns, key, fast))
            return _ranked(drawn, arms, eligible, k)
        best: Ranked = self._ask(self._requests.Best(columns, eligible, key, k, fast))
        return best

    def _columns(self, arms: Arms) -> Any:
        self._worker.refuse_if_broken()
        with translated("arms could not be copied to the device"):
            return self._residents.of(arms)

    def _ask(self, asked: "Best | Draw | DrawResident") -> Any:
        self._worker.refuse_if_broken()
        compiled = (type(asked), asked.dtype, asked.fast)
        patience_s = self._patience_s if compiled in self._launched else COMPILING_S
        answer: Future[Any] = self._worker.ask(asked)
        try:
            made = answer.result(patience_s)
        except TimeoutError:
            late = GpuUnavailable(f"the device did not answer within {patience_s} s")
            self._worker.give_up(late)
            raise late from None
        self._launched.add(compiled)
        return made


def _parts(simulator: bool) -> Any:
    """Import what needs Numba."""
    try:
        from bandit.cuda import parts
    except ImportError as error:
        raise GpuUnavailable(f"extra gpu is not installed: {error}") from error
    if parts.SIMULATED and not simulator:
        raise GpuUnavailable("Numba's simulator is on (NUMBA_ENABLE_CUDASIM)")
    parts.require_device()
    return parts


def _ranked(drawn: Column, arms: Arms, eligible: Eligible, k: int) -> Ranked:
    """Return the k best eligible of all draws."""
    able = np.ones(len(arms), np.bool_)
    if arms.tags is not None and eligible.include:
        able &= (arms.tags & np.uint64(eligible.include)) != 0
    if arms.tags is not None and eligible.exclude:
        able &= (arms.tags & np.uint64(eligible.exclude)) == 0
    able[eligible.without] = False
    positions = np.flatnonzero(able)
    best = positions[betadist.rank(drawn[positions], arms.lanes[positions], k)]
    return best, drawn[best]


def _check(sampler: CudaSampler, precision: str, n: int) -> None:
    """Compare the pinned draws, and the best of n, with the processor's; all kernels run."""
    from betadist.golden import DRAWS, KEY

    pinned = [g for g in DRAWS if g.dtype == precision]
    alpha = np.array([g.alpha for g in pinned], precision)
    beta = np.array([g.beta for g in pinned], precision)
    lanes = np.array([g.lane for g in pinned], np.uint64)
    drawn = sampler.sample(alpha, beta, KEY, lanes)
    for golden, draw in zip(pinned, drawn.tolist(), strict=True):
        if draw != float.fromhex(golden.draw):
            raise GpuUnavailable(f"{golden} is drawn as {draw.hex()} on the device")
    arms = Arms(np.resize(alpha, n), np.resize(beta, n), np.arange(n, dtype=np.uint64))
    found, _ = sampler.top_k(arms, Eligible(), KEY, 3)
    expected, _ = betadist.sample_top_k(arms.alpha, arms.beta, KEY, 3, arms.lanes)
    if found.tolist() != expected.tolist():
        raise GpuUnavailable(f"the best of {n} draws are {found.tolist()}, not {expected.tolist()}")
