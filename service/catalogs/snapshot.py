"""One reading of a catalogue, which never changes: a request keeps the one it began with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.arms import Arms
from idcolumn import IdColumn

__all__ = ["Snapshot"]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All arms of a catalogue as they were read at one time, by ascending lane.

    Attributes
    ----------
    version : str
        A hash of what it holds: the same on every worker and node that read the same rows.
    arms : Arms
        n arms, by ascending lane.
    text, offsets : buffer and uint64[n + 1]
        The bytes of the ids, one after the other, and where each begins.
    missing : int
        Arms for which the prior stands in, since their features are not fit.
    built_at : float
        Unix time at which the reading began, in seconds.
    """

    version: str
    arms: Arms
    text: Any
    offsets: NDArray[np.uint64]
    missing: int
    built_at: float

    def ids(self, positions: NDArray[np.int64]) -> IdColumn:
        """Return the ids of the arms at these positions."""
        return IdColumn.gather(self.text, self.offsets, positions)

    def positions(self, ids: IdColumn) -> NDArray[np.int64]:
        """Return where those of these ids are that the catalogue holds: ascending, each once."""
        lanes = self.arms.lanes
        first, last = (np.searchsorted(lanes, ids.hashes, side) for side in ("left", "right"))
        found = [np.empty(0, np.int64)]
        for step in range(int((last - first).max(initial=0))):  # above 1: ids of one hash
            asked = np.flatnonzero(first + step < last)
            at = first[asked] + step
            same = self.ids(at).fingerprints == ids.fingerprints[asked]
            found.append(at[same])
        return np.unique(np.concatenate(found))
