"""Answers for single ids, in any order, turned into a batch in the order of the ids."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from featurestore.batch import FeatureBatch, Lost
from featurestore.vertex.failures import CallFailed
from featuretable import screen
from idcolumn import IdColumn

__all__ = ["Answers", "number"]

LATE = grpc.StatusCode.DEADLINE_EXCEEDED
MAX_ID_BYTES = 4096  # of a row key in Bigtable, which is below both generations of the service


class Answers:
    """What is known so far of the ids of one fetch.

    Attributes
    ----------
    asked : list of str
        The different ids that the service can know, in the order in which they came.
    """

    def __init__(self, ids: IdColumn, features: int) -> None:
        self._names = ids.tolist()
        self._features = features
        self._rows: dict[str, Sequence[float]] = {}
        self._waiting = dict.fromkeys(compress(self._names, _askable(ids)))
        self._failures: dict[str, CallFailed] = {}
        self.asked = list(self._waiting)

    def put(self, name: str, values: Sequence[float | None]) -> None:
        """Take the values of an id, in the order of the features; None where there is none."""
        self._waiting.pop(name, None)
        if None not in values:
            self._rows[name] = values  # type: ignore[assignment]

    def fail(self, name: str, failure: CallFailed) -> None:
        """Take the failure of a single id; one that is not there simply isn't found."""
        self._waiting.pop(name, None)
        if failure.code is not grpc.StatusCode.NOT_FOUND:
            self._failures[name] = failure

    def failure(self) -> CallFailed | None:
        """Most frequent failure, when every id that was asked for has failed and none was late."""
        failures = [one for one in self._failures.values() if one.code is not LATE]
        if not failures or len(failures) < len(self.asked):
            return None
        ((common, _),) = Counter(failure.code for failure in failures).most_common(1)
        return next(failure for failure in failures if failure.code is common)

    def batch(self, late: bool) -> FeatureBatch:
        """Every row; ids without an answer are late, or unknown when the answer was complete."""
        nothing = (np.nan,) * self._features
        values = np.array([self._rows.get(name, nothing) for name in self._names], np.float64)
        values = values.reshape(len(self._names), self._features)
        found = np.array([name in self._rows for name in self._names], np.bool_)
        invalid = screen(values, found)
        return FeatureBatch(values, found, self._lost(late), invalid)

    def _lost(self, late: bool) -> NDArray[np.uint8]:
        lost = {
            name: Lost.LATE if failure.code is LATE else Lost.FAILED
            for name, failure in self._failures.items()
        }
        if late:
            lost |= dict.fromkeys(self._waiting, Lost.LATE)
        if not lost:
            return np.zeros(len(self._names), np.uint8)
        return np.array([lost.get(name, Lost.NO) for name in self._names], np.uint8)


def number(value: Any) -> float | None:
    """Value of a FeatureValue message: None where it has none, NaN where it is no number."""
    # Reading two fields is cheaper than asking which one is set, and settles it unless it is 0.
    found: float = value.double_value or value.int64_value
    return found or _ZERO.get(value.WhichOneof("value"), math.nan)


_ZERO: Mapping[str | None, float | None] = {None: None, "double_value": 0.0, "int64_value": 0.0}


def _askable(ids: IdColumn) -> list[bool]:
    sizes = ids.lengths
    chosen: list[bool] = ((sizes > 0) & (sizes <= MAX_ID_BYTES)).tolist()
    return chosen
