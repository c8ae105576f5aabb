"""When an open-loop load sends, and how late answers are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["QUANTILES", "planned", "quantiles"]

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


def planned(rate: float, seconds: float) -> NDArray[np.float64]:
    """Return the send times of a load, as float64[n] seconds from its begin.

    They are even, keep to the rate on the whole and don't depend on any answer.

    Parameters
    ----------
    rate : float
        Requests a second, > 0.
    seconds : float
        Length of the load; every send time is before its end.

    Raises
    ------
    ValueError
        `rate` or `seconds` is not a finite positive number.
    """
    for name, value in (("rate", rate), ("seconds", seconds)):
        if not 0 < value < np.inf:
            raise ValueError(f"{name} is {value}, must be finite and > 0")
    times = np.arange(np.ceil(rate * seconds)) / rate
    return times[times < seconds]


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Return QUANTILES of the values, each one of the values: the smallest that so many reach.

    Of no values there are none: an empty dict.
    """
    if not len(values):
        return {}
    ordered = np.sort(np.asarray(values, float))
    ranks = {name: int(np.ceil(share * len(ordered))) - 1 for name, share in QUANTILES.items()}
    return {name: float(ordered[rank]) for name, rank in ranks.items()}
