"""A store read in chunks, all of them in flight together."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from featurestore.batch import FeatureBatch, Lost
from featurestore.chunk import Chunk
from featurestore.gathering import Gathering
from featurestore.line import Line
from featurestore.measurement import Measurement
from featurestore.store import FeatureStore
from idcolumn import IdColumn

__all__ = ["Chunked", "ChunkedSettings"]

CLOSE_S = 1.0
# A store is given so much less time than its chunk, or this share less of a short time, so that
# what it has of the rows when its time is up is still taken in.
SPARE_S = 0.005
SPARE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class ChunkedSettings:
    """How a store is read.

    Attributes
    ----------
    chunk : int
        The most ids in one call of the store.
    chunks_in_flight : int
        The most calls at once, of all requests of this process.
    hedge : bool
        Whether a chunk that takes longer than 95 of 100 do, or that failed, is asked for once more.
    """

    chunk: int = 100
    chunks_in_flight: int = 64
    hedge: bool = True


class Chunked:
    """A `FeatureStore` in front of one over a network.

    A chunk that is late or fails costs its own rows, not the request. When nearly all chunks of
    late were lost, the store is left alone for a while, and then asked for one chunk at a time
    until it answers.

    Parameters
    ----------
    store : FeatureStore
        Closed together with this.
    settings : ChunkedSettings
        See there.

    Attributes
    ----------
    line : Line
        What was seen of the store.
    """

    def __init__(self, store: FeatureStore, settings: ChunkedSettings | None = None) -> None:
        self.settings = settings or ChunkedSettings()
        self.line = Line(chunks_in_flight=self.settings.chunks_in_flight, hedge=self.settings.hedge)
        self._store = store

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`; rows that the store fails to give are lost, not an error."""
        if not time.monotonic() < deadline:
            return FeatureBatch.nothing(len(ids), len(features), Lost.LATE)
        if not len(ids):  # about the features only, and nothing to be said of the store's pace
            return await self._store.fetch(entity_type, ids, features, deadline)
        gathering, chunks = self.start(entity_type, ids, features, deadline)
        try:
            await gathering.wait()
        finally:
            for chunk in chunks:
                chunk.cancel()
        return gathering.batch()

    def start(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> tuple[Gathering, list[Chunk]]:
        """Begin a fetch that ends at its deadline, whether or not anybody waits for it."""
        size, rows = self.settings.chunk, len(ids)
        starts = range(0, rows, size)
        gathering = Gathering(rows, len(features), len(starts))
        spare_s = min(SPARE_S, SPARE_SHARE * max(0.0, deadline - time.monotonic()))
        chunks = []
        for start in starts:
            part = ids if rows <= size else ids.take(np.arange(start, min(start + size, rows)))
            ask = partial(self._store.fetch, entity_type, part, features, deadline - spare_s)
            chunk = Chunk(self.line, ask, gathering, start, len(part), deadline)
            chunks.append(chunk)
            chunk.submit()
        return gathering, chunks

    def measurements(self) -> Iterable[Measurement]:
        """See `Measured`."""
        return self.line.measurements()

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`."""
        await self._store.check(deadline)

    async def close(self) -> None:
        """See `FeatureStore.close`; calls under way are cancelled first, whoever waits for them."""
        for attempt in self.line.attempts:
            attempt.cancel()
        if self.line.attempts:
            await asyncio.wait(self.line.attempts, timeout=CLOSE_S)
        await self._store.close()
