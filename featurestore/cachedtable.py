"""The rows of one table in a hot tier: young ones, stale ones, and those on their way."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from featurestore.batch import FeatureBatch, Lost
from featurestore.chunked import Chunked
from featurestore.failurelog import FailureLog
from featurestore.flights import Flight, Flights, Share
from featurestore.gathering import Gathering
from featuretable import CLAIMED, FOUND, FeatureCache, Tally
from idcolumn import IdColumn

__all__ = ["CachedSettings", "CachedTable"]

REFRESH_AFTER_S = 0.005  # stale rows of so many seconds are read again together
RETRY_AFTER_S = 0.5


@dataclass(frozen=True, slots=True)
class CachedSettings:
    """How long rows are kept.

    Attributes
    ----------
    max_rows : int
        Rows held of each table; beyond that, those not asked for of late are evicted.
    ttl_s : float
        Seconds for which a row is served without looking at the store.
    negative_ttl_s : float
        The same for what the store doesn't know.
    stale_s : float
        Seconds for which a row, of what it does know, is served after that while it is read again.
    background_timeout_s : float
        Seconds for which a fetch goes on in the background, when no request waits longer.
    """

    max_rows: int
    ttl_s: float = 30.0
    negative_ttl_s: float = 10.0
    stale_s: float = 300.0
    background_timeout_s: float = 1.0


class CachedTable:
    """Features of one entity type in memory, and the store to ask for the rest."""

    def __init__(
        self,
        store: Chunked,
        entity_type: str,
        features: tuple[str, ...],
        settings: CachedSettings,
    ) -> None:
        self.rows = FeatureCache(
            len(features),
            settings.max_rows,
            ttl_ms=round(settings.ttl_s * 1e3),
            negative_ttl_ms=round(settings.negative_ttl_s * 1e3),
            stale_ms=round(settings.stale_s * 1e3),
        )
        self.refreshed = self.not_refreshed = 0
        self._store = store
        self._entity_type = entity_type
        self._features = features
        self._background_timeout_s = settings.background_timeout_s
        self._flights = Flights()
        self._due: list[IdColumn] = []
        self._log = FailureLog(f"refreshing {entity_type!r}")
        self._closed = False

    def lookup(
        self, ids: IdColumn, now: float
    ) -> tuple[FeatureBatch, NDArray[np.intp] | None, Tally]:
        """Serve what is here; the positions of what is not, None when all is."""
        values = np.empty((len(ids), len(self._features)))
        states = np.empty(len(ids), np.uint8)
        tally = self.rows.lookup(ids.hashes, ids.fingerprints, _ms(now), values, states)
        if tally.claimed:
            self._refresh(ids.take(np.flatnonzero(states & CLAIMED)))
        found = (states & FOUND).view(np.bool_)
        batch = FeatureBatch(values, found, None, 0, tally.oldest_ms / 1e3, tally.found)
        return batch, np.flatnonzero(states == 0) if tally.absent else None, tally

    async def fill(
        self, batch: FeatureBatch, ids: IdColumn, absent: NDArray[np.intp], deadline: float
    ) -> FeatureBatch:
        """Return the batch with the absent rows fetched, as far as that is possible in time."""
        wanted = ids.take(absent)
        shared, rest = self._flights.join(wanted)
        own = self._launch_all(wanted, rest, deadline)
        batch.lost[absent] = Lost.LATE
        for share in (*shared, *own):
            gathering = share.flight.gathering
            await gathering.wait(deadline - time.monotonic())
            if gathering.done:
                part, where = gathering.batch(), absent[share.positions]
                batch.values[where] = part.values[share.rows]
                batch.found[where] = part.found[share.rows]
                batch.lost[where] = part.lost[share.rows]
        invalid = sum(share.flight.gathering.rows.invalid for share in own)
        return FeatureBatch(batch.values, batch.found, batch.lost, invalid, batch.oldest_age_s)

    def close(self) -> None:
        """Call off what is on the way."""
        self._closed = True
        for flight in self._flights:
            for chunk in flight.chunks:
                chunk.cancel()

    def _launch_all(
        self, ids: IdColumn, positions: NDArray[np.intp], deadline: float
    ) -> list[Share]:
        size = self._store.settings.chunk
        launched = []
        for start in range(0, len(positions), size):
            part = positions[start : start + size]
            flight = self._launch(ids.take(part), deadline)
            launched.append(Share(flight, np.arange(len(part)), part))
        return launched

    def _launch(self, ids: IdColumn, deadline: float) -> Flight:
        now = time.monotonic()
        until = max(deadline, now + self._background_timeout_s)
        gathering, chunks = self._store.start(self._entity_type, ids, self._features, until)
        flight = Flight(ids, gathering, chunks, now)
        if not gathering.done:
            self._flights.add(flight)
        gathering.then(partial(self._landed, flight))
        return flight

    def _landed(self, flight: Flight, gathering: Gathering) -> None:
        self._flights.remove(flight)
        if gathering.error is not None:
            return  # those who wait are told
        ids, batch = flight.ids, gathering.rows
        values, found, kept = batch.values, batch.found, batch.lost == Lost.NO
        if not kept.all():
            there = np.flatnonzero(kept)
            ids, values, found = ids.take(there), values[there], found[there]
        self.rows.upsert(ids.hashes, ids.fingerprints, _ms(flight.began), values, found)

    def _refresh(self, ids: IdColumn) -> None:
        if not self._due:
            asyncio.get_running_loop().call_later(REFRESH_AFTER_S, self._refresh_due)
        self._due.append(ids)

    def _refresh_due(self) -> None:
        due, self._due = self._due, []
        if self._closed:
            return
        ids = IdColumn.from_bytes([id_ for part in due for id_ in part.to_bytes()])
        for share in self._launch_all(ids, np.arange(len(ids)), 0.0):
            share.flight.gathering.then(partial(self._refreshed, share.flight))

    def _refreshed(self, flight: Flight, gathering: Gathering) -> None:
        lost = np.flatnonzero(gathering.rows.lost)
        self.refreshed += len(flight.ids) - len(lost)
        self.not_refreshed += len(lost)
        if gathering.error is not None:
            self._log.failed(gathering.error)
        elif not len(lost):
            self._log.succeeded()
        if len(lost):
            ids = flight.ids.take(lost)
            loop = asyncio.get_running_loop()
            loop.call_later(RETRY_AFTER_S, self.rows.release, ids.hashes, ids.fingerprints)


def _ms(instant: float) -> int:
    return int(instant * 1e3)
