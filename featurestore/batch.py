"""What a fetch answers: columns in the order of the ids, and masks that say what is missing."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from featurestore.errors import UnknownFeature
from featuretable import count

__all__ = ["FeatureBatch", "Lost"]


class Lost(IntEnum):
    """Why a row could not be had; the prior stands in for it."""

    NO = 0
    LATE = 1  # not before the deadline
    FAILED = 2  # the store failed
    REFUSED = 3  # not asked for: the store fails so often that it is left alone for a while


class FeatureBatch:
    """Features of n ids, in the order of the ids.

    Parameters
    ----------
    values : float64[n, f]
        One row for an id, one column for a feature asked for; NaN where not found.
    found : bool[n]
        The id is known and every feature asked for is a finite positive number.
    lost : uint8[n], optional
        Why the row could not be had, as `Lost`; never together with `found`. None are by default.
    invalid : int
        Rows counted as missing because a value was not finite and > 0.
    oldest_age_s : float
        Seconds that the oldest value may lag behind the store.
    hits : int
        How many rows were found, if that is known; -1 has them counted.
    """

    def __init__(
        self,
        values: NDArray[np.float64],
        found: NDArray[np.bool_],
        lost: NDArray[np.uint8] | None = None,
        invalid: int = 0,
        oldest_age_s: float = 0.0,
        hits: int = -1,
    ) -> None:
        self.values = values
        self.found = found
        self.invalid = invalid
        self.oldest_age_s = oldest_age_s
        self.hits = hits
        self._lost = lost

    @property
    def lost(self) -> NDArray[np.uint8]:
        """See the class; made when it is first asked for, if none are."""
        if self._lost is None:
            self._lost = np.zeros(len(self.found), np.uint8)
        return self._lost

    @classmethod
    def nothing(cls, rows: int, features: int, lost: Lost = Lost.NO) -> "FeatureBatch":
        """`rows` rows of which none was found, all of them unknown or all lost."""
        values, why = np.empty((rows, features)), np.empty(rows, np.uint8)
        values.fill(np.nan)  # np.full takes 4 times as long
        why.fill(lost)
        return cls(values, np.zeros(rows, np.bool_), why)

    def tally(self) -> tuple[int, int]:
        """Return how many rows the store doesn't know, and how many could not be had."""
        lost = 0 if self._lost is None else count(self._lost)
        hits = count(self.found) if self.hits < 0 else self.hits
        return len(self.found) - hits - lost, lost


def choose(
    wanted: tuple[str, ...], features: tuple[str, ...], entity_type: str
) -> NDArray[np.intp] | None:
    """Columns of `wanted` among `features`; None when they are the same.

    Raises
    ------
    UnknownFeature
        A wanted feature is not in the table.
    """
    if wanted == features:
        return None
    for position, name in enumerate(wanted):
        if name not in features:
            has = ", ".join(features)
            raise UnknownFeature(f"features[{position}] is {name!r}, {entity_type!r} has {has}")
    return np.array([features.index(name) for name in wanted], np.intp)


def unusable(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values [n, f] are not finite positive numbers, as bool [n, f]."""
    return ~((values > 0) & (values < np.inf))
