"""Fetches under way, by the rows that they bring, so that each row is fetched once at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from featurestore.chunk import Chunk
from featurestore.gathering import Gathering
from idcolumn import IdColumn

__all__ = ["Flight", "Flights", "Seats"]


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """One chunk of ids on the way; `began` is an instant of `time.monotonic()`."""

    ids: IdColumn
    gathering: Gathering
    chunks: list[Chunk]
    began: float


@dataclass(frozen=True, slots=True)
class Seats:
    """Rows of a flight, and whose rows of a request they are."""

    flight: Flight
    rows: NDArray[np.intp]
    passengers: NDArray[np.intp]


class Flights:
    """Every flight of a table until it lands."""

    def __init__(self) -> None:
        self._seats: dict[int, tuple[Flight, int]] = {}

    def __iter__(self) -> Iterator[Flight]:
        return iter({flight for flight, _ in self._seats.values()})

    def join(self, ids: IdColumn) -> tuple[list[Seats], NDArray[np.intp]]:
        """Find seats on flights under way; the positions of the ids for which there is none."""
        if not self._seats:
            return [], np.arange(len(ids))
        keys = ids.hashes.tolist()
        booked: dict[Flight, tuple[list[int], list[int]]] = {}
        for position, key in enumerate(keys):
            if key in self._seats:
                flight, row = self._seats[key]
                rows, passengers = booked.setdefault(flight, ([], []))
                rows.append(row)
                passengers.append(position)
        seats = [
            _confirmed(Seats(flight, np.array(rows), np.array(passengers)), ids)
            for flight, (rows, passengers) in booked.items()
        ]
        left = np.ones(len(ids), np.bool_)
        for taken in seats:
            left[taken.passengers] = False
        return seats, np.flatnonzero(left)

    def add(self, flight: Flight) -> None:
        """Let others join a flight."""
        keys = flight.ids.hashes.tolist()
        self._seats |= {key: (flight, row) for row, key in enumerate(keys)}

    def remove(self, flight: Flight) -> bool:
        """Let nobody join a flight any more; False when that was so already."""
        keys = [
            key
            for key in flight.ids.hashes.tolist()
            if self._seats.get(key, (None, 0))[0] is flight
        ]
        for key in set(keys):
            del self._seats[key]
        return bool(keys)


def _confirmed(seats: Seats, ids: IdColumn) -> Seats:
    """Leave out the ids that share no more than the hash with the one on the flight."""
    theirs = seats.flight.ids.fingerprints[seats.rows]
    same = theirs == ids.fingerprints[seats.passengers]
    return Seats(seats.flight, seats.rows[same], seats.passengers[same])
