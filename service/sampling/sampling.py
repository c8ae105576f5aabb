"""The sampler of a worker: opened, calibrated and counted."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

from bandit.crossovers import Backend, Draw, assumed
from bandit.dispatch import Dispatch
from bandit.sampler import CpuSampler
from featurestore import Measurement
from featurestore.measurement import gauge, highest
from service.config import SamplerSettings
from service.sampling.calibration import Calibration, calibrate
from service.sampling.counts import DrawCounts
from service.sampling.gpu import Gpu, find_gpu
from service.sampling.node import of_node

__all__ = ["Sampling", "measured"]

log = logging.getLogger("bandit_serve.sampler")


def measured(settings: SamplerSettings, gpu: Gpu) -> Calibration:
    """Calibrate this machine for the settings, unless they say not to."""
    threads = settings.threads
    if not settings.calibrate:
        return Calibration(assumed(threads), ("assumed: sampler.calibrate is false",))
    several = CpuSampler(threads) if threads > 1 else None
    return calibrate(CpuSampler(), several, gpu.sampler)


class Sampling:
    """What draws in a worker, and how it is got ready.

    It draws on the CPU, from crossovers that are safe anywhere, until the GPU is opened and both
    are calibrated, in a thread of their own once the worker is ready.

    Parameters
    ----------
    settings : SamplerSettings
    folder : Path or None
        Shared by the workers of the node; None: this worker is the only one.

    Attributes
    ----------
    dispatch : Dispatch
        The sampler.
    """

    def __init__(self, settings: SamplerSettings, folder: Path | None = None) -> None:
        self._settings = settings
        self._folder = folder
        self._counts = DrawCounts()
        self.dispatch = Dispatch(settings.threads, observer=self._counts)

    @asynccontextmanager
    async def running(self, ready: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Begin to prepare once `ready` returns; nobody waits for the end of it."""
        task = asyncio.create_task(self._begin(ready))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _begin(self, ready: Callable[[], Awaitable[None]]) -> None:
        await ready()
        Thread(target=self.prepare, name="calibration", daemon=True).start()

    def prepare(self) -> None:
        """Open the GPU and calibrate; what goes wrong is logged and leaves the CPU to draw."""
        try:
            gpu = find_gpu(self._settings.gpu)
            calibration, made = self._calibrated(gpu)
        except Exception:
            log.exception("the sampler can't be calibrated; it draws with what is safe anywhere")
            return
        self.dispatch.crossovers = calibration.crossovers
        self.dispatch.gpu = gpu.sampler
        if made:
            self._tell(gpu, calibration)

    def _calibrated(self, gpu: Gpu) -> tuple[Calibration, bool]:
        name = "cpu" if gpu.sampler is None else "gpu"
        return of_node(self._folder, name, lambda: measured(self._settings, gpu))

    def _tell(self, gpu: Gpu, calibration: Calibration) -> None:
        asked = self._settings.gpu == "on"
        level = logging.WARNING if asked and gpu.sampler is None else logging.INFO
        device = f"GPU: {gpu.about}" if asked or gpu.there else "no GPU"
        log.log(level, "%s; %s", device, "; ".join(calibration.lines()))

    def measurements(self) -> Iterator[Measurement]:
        """See `featurestore.Measured.measurements`."""
        yield from self._counts.measurements()
        crossovers = self.dispatch.crossovers
        about = "From how many arms a back end draws, as measured at start; +Inf: never."
        for draw in Draw:
            crossover = crossovers.of(draw)
            gpu = None if self.dispatch.gpu is None else crossover.gpu
            least = {Backend.THREADS: crossover.threads, Backend.GPU: gpu}
            for backend, arms in least.items():
                value = math.inf if arms is None else arms
                yield highest("crossover_arms", about, value, kind=draw, backend=backend)
        about = "Workers whose crossovers were measured; those of the others are assumed."
        yield gauge("calibrated_workers", about, int(crossovers.measured))
        about = "Workers in which the GPU could be opened."
        yield gauge("gpu_workers", about, int(self.dispatch.gpu is not None))
