"""Fetches under way, by the rows that they bring, so that each row is fetched once at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from featurestore.chunk import Chunk
from featurestore.gathering import Gathering
from featuretable import FeatureTable
from idcolumn import IdColumn

__all__ = ["Flight", "Flights", "Share"]

MOST_SEATS = 1 << 32


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """One chunk of ids on the way; `began` is an instant of `time.monotonic()`."""

    ids: IdColumn
    gathering: Gathering
    chunks: list[Chunk]
    began: float
    number: int = field(default_factory=count().__next__)


@dataclass(frozen=True, slots=True)
class Share:
    """Rows of a flight, and whose rows of a request they are."""

    flight: Flight
    rows: NDArray[np.intp]
    positions: NDArray[np.intp]


class Flights:
    """Every flight of a table until it lands."""

    def __init__(self) -> None:
        self._flights: dict[int, Flight] = {}
        self._seats = FeatureTable(2, MOST_SEATS)  # of an id: the flight's number, the row

    def __iter__(self) -> Iterator[Flight]:
        return iter(self._flights.values())

    def join(self, ids: IdColumn) -> tuple[list[Share], NDArray[np.intp]]:
        """Find seats on flights under way; the positions of the ids for which there is none."""
        seats, taken, there = self._seats.lookup(ids.hashes, ids.fingerprints)
        if not there:
            return [], np.arange(len(ids))
        positions = np.flatnonzero(taken)
        positions = positions[np.argsort(seats[positions, 0], kind="stable")]
        cuts = np.flatnonzero(np.diff(seats[positions, 0])) + 1
        shares = [
            Share(self._flights[int(seats[part[0], 0])], seats[part, 1].astype(np.intp), part)
            for part in np.split(positions, cuts)
        ]
        return shares, np.flatnonzero(~taken)

    def add(self, flight: Flight) -> None:
        """Let others join a flight."""
        self._flights[flight.number] = flight
        seats = np.empty((len(flight.ids), 2))
        seats[:, 0], seats[:, 1] = flight.number, np.arange(len(seats))
        self._seats.upsert(flight.ids.hashes, flight.ids.fingerprints, seats)

    def remove(self, flight: Flight) -> None:
        """Let nobody join a flight any more."""
        self._flights.pop(flight.number, None)
        self._seats.remove(flight.ids.hashes, flight.ids.fingerprints)
