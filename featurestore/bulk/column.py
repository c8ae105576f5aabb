"""Columns of text turned into columns of numbers, value by value only where something is odd."""

import numpy as np
from numpy.typing import NDArray

from featurestore.bulk.source import Column

__all__ = ["lengths", "numbers", "rewards"]

_REWARDS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "False": 0.0, "True": 1.0}


def lengths(ids: list[str]) -> NDArray[np.int64]:
    """Bytes of UTF-8 of each id, -1 for one that is not valid UTF-8."""
    measure = len if "".join(ids).isascii() else _length
    return np.fromiter(map(measure, ids), np.int64, len(ids))


def numbers(column: Column) -> NDArray[np.float64]:
    """Read numbers as float64[n], NaN for what is none.

    Digits, sign, point and exponent in ASCII, with blanks around them; not the digit groups
    (`1_000`) and the other scripts' digits that Python's `float` takes too.
    """
    if isinstance(column, np.ndarray):
        return column
    text = "".join(column)
    if text.isascii() and "_" not in text:
        try:
            return np.fromiter(map(float, column), np.float64, len(column))
        except ValueError:
            pass
    return np.fromiter(map(_number, column), np.float64, len(column))


def rewards(column: Column) -> NDArray[np.float64]:
    """Read rewards as float64[n], NaN for what is no number.

    Besides numbers, `true` and `false` in any case are 1 and 0.
    """
    if isinstance(column, np.ndarray):
        return column
    known = list(map(_REWARDS.get, column))
    if None in known:
        return np.fromiter(map(_reward, column), np.float64, len(column))
    return np.array(known, dtype=np.float64)


def _length(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return -1


def _number(text: str) -> float:
    if not text.isascii() or "_" in text:
        return np.nan
    try:
        return float(text)
    except ValueError:
        return np.nan


def _reward(text: str) -> float:
    reward = _REWARDS.get(text.strip().lower())
    return _number(text) if reward is None else reward
