"""A worker's figures: shown to the other workers while it runs, and added to theirs when asked."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import chain
from pathlib import Path

from featurestore import Measured, Measurement
from featurestore.measurement import highest
from service.metrics.folder import Folder
from service.metrics.process import start_ticks
from service.metrics.snapshot import encode
from service.metrics.total import Total

__all__ = ["Figures"]

log = logging.getLogger("bandit_serve.metrics")

PUBLISH_S = 0.5


class Figures:
    """The figures of all workers of a node.

    What a worker counted in its last half second before it is killed may be lost, but never what a
    scrape has shown: a worker publishes before it answers one.

    Parameters
    ----------
    parts : sequence of Measured
        Those of this worker.
    folder : Path or None
        Shared by the workers; None: this worker is the only one.
    """

    def __init__(self, parts: Sequence[Measured], folder: Path | None = None) -> None:
        self._parts = parts
        self._pid = os.getpid()
        self._started = start_ticks(self._pid) or 0
        name = f"{self._pid}-{self._started}"
        self._folder = None if folder is None else Folder(folder, name)
        self._failing = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Publish about twice a second for as long as the block lasts, and once at its end.

        Figures of workers that ended before are made one, so that a worker that ends again and
        again leaves a few files and not one each time.
        """
        if self._folder is not None:
            with suppress(OSError):  # which publishing meets too, and tells
                self._folder.fold()
        task = asyncio.create_task(self._keep_publishing())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._publish(self._own())

    async def total(self) -> Total:
        """Add up the figures of all workers; other requests are answered in between."""
        total, skipped = Total(), 0
        own = self._own()
        self._publish(own)
        total.add(own)
        for snapshot in self._folder.others() if self._folder else ():
            await asyncio.sleep(0)
            running = snapshot is not None and start_ticks(snapshot.pid) == snapshot.started
            if snapshot is None or not total.add(snapshot.measurements, running=running):
                skipped += 1
        about = "Workers whose figures are damaged and left out; above 0: restart the service."
        total.add([highest("metrics_snapshots_skipped", about, skipped)])
        return total

    def _own(self) -> list[Measurement]:
        return list(chain.from_iterable(part.measurements() for part in self._parts))

    async def _keep_publishing(self) -> None:
        while True:
            self._publish(self._own())
            await asyncio.sleep(PUBLISH_S)

    def _publish(self, own: list[Measurement]) -> None:
        if self._folder is None:
            return
        try:
            self._folder.publish(encode(self._pid, self._started, own))
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.warning("this worker's figures can't be shown to the others: %s", error)
            self._failing = True
