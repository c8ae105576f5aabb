"""What is handed in to be written or added: matrices of the right shape, one row for each id."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from featurestore.batch import choose
from idcolumn import IdColumn

__all__ = ["add_up", "amounts_of", "in_order", "matrix", "start_of"]


def matrix(
    field: str, values: NDArray[np.float64], rows: int, features: int
) -> NDArray[np.float64]:
    """`values` as contiguous float64[rows, features]; a ValueError that names `field` if not."""
    packed = np.ascontiguousarray(values, np.float64)
    if np.shape(values) != (rows, features):
        raise ValueError(f"{field} has shape {np.shape(values)}, must be ({rows}, {features})")
    return packed


def amounts_of(amounts: NDArray[np.float64], rows: int, features: int) -> NDArray[np.float64]:
    """`amounts` as finite float64[rows, features]; a ValueError that names the place if not."""
    return _finite("amounts", matrix("amounts", amounts, rows, features))


def start_of(start: Sequence[float], features: int) -> NDArray[np.float64]:
    """`start` as finite float64[features]; a ValueError that names the place if not."""
    row = np.array(start, np.float64)
    if row.shape != (features,):
        raise ValueError(f"start has shape {row.shape}, must be ({features},)")
    return _finite("start", row)


def in_order(
    values: NDArray[np.float64],
    features: tuple[str, ...],
    table: tuple[str, ...],
    entity_type: str,
) -> NDArray[np.float64]:
    """Columns (the last axis) of `values`, which are `features`, in the order of the table's."""
    order = choose(table, features, entity_type)
    return values if order is None else values.take(order, axis=-1)


def add_up(ids: IdColumn, amounts: NDArray[np.float64]) -> tuple[IdColumn, NDArray[np.float64]]:
    """Each id once, and the sum of its rows of `amounts` [n, f]."""
    keys = ids.to_bytes()
    latest = dict(zip(keys, range(len(keys)), strict=True))
    if len(latest) == len(keys):
        return ids, amounts
    rows = np.fromiter(map(latest.__getitem__, keys), np.int64, len(keys))
    kept, place = np.unique(rows, return_inverse=True)
    totals = np.zeros((len(kept), amounts.shape[1]))
    with np.errstate(over="ignore"):
        np.add.at(totals, place, amounts)
    return ids.take(kept), totals


def _finite(field: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        where = ", ".join(map(str, place))
        raise ValueError(f"{field}[{where}] is {values[place]}, must be finite")
    return values
