"""Fetches under way, by the rows that they bring, so that each row is fetched once at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from featurestore.chunk import Chunk
from featurestore.gathering import Gathering
from idcolumn import IdColumn

__all__ = ["Flight", "Flights", "Share"]


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """One chunk of ids on the way; `began` is an instant of `time.monotonic()`."""

    ids: IdColumn
    gathering: Gathering
    chunks: list[Chunk]
    began: float


@dataclass(frozen=True, slots=True)
class Share:
    """Rows of a flight, and whose rows of a request they are."""

    flight: Flight
    rows: NDArray[np.intp]
    positions: NDArray[np.intp]


class Flights:
    """Every flight of a table until it lands."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[Flight, int]] = {}

    def __iter__(self) -> Iterator[Flight]:
        return iter({flight for flight, _ in self._rows.values()})

    def join(self, ids: IdColumn) -> tuple[list[Share], NDArray[np.intp]]:
        """Find seats on flights under way; the positions of the ids for which there is none."""
        if not self._rows:
            return [], np.arange(len(ids))
        keys = ids.hashes.tolist()
        booked: dict[Flight, tuple[list[int], list[int]]] = {}
        for position, key in enumerate(keys):
            if key in self._rows:
                flight, row = self._rows[key]
                rows, positions = booked.setdefault(flight, ([], []))
                rows.append(row)
                positions.append(position)
        seats = [
            _confirmed(Share(flight, np.array(rows), np.array(positions)), ids)
            for flight, (rows, positions) in booked.items()
        ]
        left = np.ones(len(ids), np.bool_)
        for taken in seats:
            left[taken.positions] = False
        return seats, np.flatnonzero(left)

    def add(self, flight: Flight) -> None:
        """Let others join a flight."""
        keys = flight.ids.hashes.tolist()
        self._rows |= {key: (flight, row) for row, key in enumerate(keys)}

    def remove(self, flight: Flight) -> None:
        """Let nobody join a flight any more."""
        for key in set(flight.ids.hashes.tolist()):
            if self._rows.get(key, (None, 0))[0] is flight:
                del self._rows[key]


def _confirmed(share: Share, ids: IdColumn) -> Share:
    """Leave out the ids that share no more than the hash with the one on the flight."""
    theirs = share.flight.ids.fingerprints[share.rows]
    same = theirs == ids.fingerprints[share.positions]
    return Share(share.flight, share.rows[same], share.positions[same])
