"""The sampler of a service: each call goes to the back end that is fastest for its size."""

from collections.abc import Callable
from operator import methodcaller
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bandit.arms import Arms, Eligible
from bandit.crossovers import Backend, Crossover, Crossovers, Draw, assumed
from bandit.posterior import Column
from bandit.sampler import CpuSampler, Sampler

__all__ = ["Dispatch", "Observer"]

Drawn = TypeVar("Drawn")

FIRST_REST = 1_000
LONGEST_REST = 1_000_000
GPU, THREADS = Backend.GPU, Backend.THREADS


class Observer(Protocol):
    """Is told what a `Dispatch` does, in whichever thread it is called."""

    def drew(self, backend: Backend, arms: int) -> None:
        """Note a call over so many arms."""
        ...

    def failed(self, error: Exception) -> None:
        """Note that the GPU failed and the CPU answered in its place."""
        ...

    def recovered(self) -> None:
        """Note that the GPU answered again after it had failed."""
        ...


class Unobserved:
    """An observer that nobody asks."""

    def drew(self, backend: Backend, arms: int) -> None:
        """See `Observer`."""

    def failed(self, error: Exception) -> None:
        """See `Observer`."""

    def recovered(self) -> None:
        """See `Observer`."""


class Rest:
    """How many calls pass a back end by after it failed: twice as many after each failure in a row.

    Counted in calls, not in time, so that a device which is gone costs nearly nothing and one that
    was only out of memory is found again. Threads that race for the count may pass a call more.
    """

    def __init__(self) -> None:
        self.needed = False
        self._length = FIRST_REST
        self._left = 0

    def over(self) -> bool:
        """Whether the back end may be asked now; counts one call that may not."""
        if self._left == 0:
            return True
        self._left -= 1
        return False

    def begin(self) -> None:
        """Leave the back end alone."""
        self.needed = True
        self._left = self._length
        self._length = min(2 * self._length, LONGEST_REST)

    def end(self) -> None:
        """Trust the back end again."""
        self.needed = False
        self._length = FIRST_REST


class Dispatch:
    """A `Sampler` that picks one CPU thread, several, or the GPU, by the number of arms.

    The draws are the same bits wherever they are made. When the GPU fails, whatever the reason, the
    CPU answers that very call and the next 1,000 that are large enough for the GPU, then it is
    asked again; up to a million after further failures in a row.

    Parameters
    ----------
    threads : int
        Of the CPU, for large calls.
    crossovers : Crossovers or None
        None: those that are safe on any machine.
    observer : Observer
        Is told of calls and failures.

    Attributes
    ----------
    crossovers : Crossovers
        May be replaced at any time, as may `gpu`.
    gpu : Sampler or None
        What draws on the GPU, if there is one.
    """

    def __init__(
        self,
        threads: int = 1,
        crossovers: Crossovers | None = None,
        gpu: Sampler | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.crossovers = crossovers or assumed(threads)
        self.gpu = gpu
        self._observer = observer or Unobserved()
        self._one, self._several = CpuSampler(), CpuSampler(threads)
        self._rest = Rest()

    def sample(self, alpha: Column, beta: Column, key: int, lanes: NDArray[np.uint64]) -> Column:
        """See `Sampler`."""
        crossover, arms = self.crossovers.lists, len(lanes)
        if self.gpu is not None:
            return self._drawn(crossover, arms, methodcaller("sample", alpha, beta, key, lanes))
        backend = crossover.on_cpu(arms)
        drawn = self._cpu(backend).sample(alpha, beta, key, lanes)
        self._observer.drew(backend, arms)
        return drawn

    def top_k(
        self, arms: Arms, eligible: Eligible, key: int, k: int
    ) -> tuple[NDArray[np.int64], Column]:
        """See `Sampler`."""
        return self._drawn(
            self.crossovers.top_k,
            len(arms),
            lambda sampler: sampler.top_k(arms, eligible, key, k),
        )

    def prepare(self, arms: Arms) -> None:
        """See `Sampler`; a GPU that fails is none of the caller's concern."""
        if self.gpu is None or self.backend(len(arms)) is not GPU:
            return
        try:
            self.gpu.prepare(arms)
        except Exception as error:
            self._rest.begin()
            self._observer.failed(error)

    def backend(self, arms: int, draw: Draw = Draw.TOP_K) -> Backend:
        """Return what a call over so many arms goes to, unless the GPU rests when it is made."""
        crossover = self.crossovers.of(draw)
        return crossover.on_cpu(arms) if self.gpu is None else crossover.backend(arms)

    def inline(self, arms: int, draw: Draw = Draw.TOP_K) -> bool:
        """Whether a call over so many arms is so short that an event loop can make it itself.

        One that goes to the GPU never is: it waits for the device, with others in the same launch.
        """
        if arms >= self.crossovers.of(draw).aside:
            return False
        return self.gpu is None or self.backend(arms, draw) is not GPU

    def _drawn(self, crossover: Crossover, arms: int, draw: Callable[[Sampler], Drawn]) -> Drawn:
        gpu = self.gpu
        if gpu is None or crossover.backend(arms) is not GPU or not self._rest.over():
            return self._on_cpu(crossover, arms, draw)
        try:
            drawn = draw(gpu)
        except Exception as error:
            drawn = self._on_cpu(crossover, arms, draw)  # which raises what is the caller's fault
            self._rest.begin()
            self._observer.failed(error)
            return drawn
        if self._rest.needed:
            self._rest.end()
            self._observer.recovered()
        self._observer.drew(GPU, arms)
        return drawn

    def _on_cpu(self, crossover: Crossover, arms: int, draw: Callable[[Sampler], Drawn]) -> Drawn:
        backend = crossover.on_cpu(arms)
        drawn = draw(self._cpu(backend))
        self._observer.drew(backend, arms)
        return drawn

    def _cpu(self, backend: Backend) -> CpuSampler:
        return self._several if backend is THREADS else self._one
