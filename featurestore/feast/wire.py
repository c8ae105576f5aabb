"""The request to a Feast feature server and its answer, as columns."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from featurestore.errors import StoreCorrupt
from idcolumn import IdColumn

__all__ = ["feature_not_there", "int64_ids", "pack", "unpack", "view_not_there"]

PRESENT, NULL, EXPIRED = "PRESENT", "NULL_VALUE", "OUTSIDE_MAX_AGE"
INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
NO_VIEW = b"FeatureViewNotFoundException"
NO_FEATURE = re.compile(r"Feature (.*) not found in projection")


def pack(view: str, join_key: str, ids: IdColumn, features: Sequence[str], integers: bool) -> bytes:
    """Body of the request for some features of a view, none of them twice.

    With `integers`, all ids must be what `int64_ids` selects.
    """
    head = orjson.dumps({"features": [f"{view}:{name}" for name in features]})
    keys = ids.to_json()
    if integers:
        keys = keys.replace(b'"', b"")
    return b'%s,"entities":{%s:%s}}' % (head[:-1], orjson.dumps(join_key), keys)


def unpack(
    body: bytes, rows: int, features: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values float64[n, f], and which rows are there, bool[n], of an answer.

    A row is there when it has a value, be it null, of any feature; it is not when Feast calls a
    value older than the view's time to live.

    Raises
    ------
    StoreCorrupt
        This is no answer of a feature server, or not one to this request.
    """
    values, statuses = _columns(body, features)
    if not values.shape == statuses.shape == (len(features), rows):
        raise StoreCorrupt(
            f"the answer has values {values.shape} and statuses {statuses.shape},"
            f" {len(features)} features of {rows} ids were asked for"
        )
    there = ((statuses == PRESENT) | (statuses == NULL)).any(axis=0)
    there &= ~(statuses == EXPIRED).any(axis=0)
    return np.ascontiguousarray(values.T), there


def int64_ids(ids: IdColumn) -> NDArray[np.int64]:
    """Positions of the ids that are an int64 in plain decimal notation."""
    return np.flatnonzero([_is_int64(id_) for id_ in ids.tolist()])


def view_not_there(body: bytes) -> bool:
    """Tell whether a refusal says that there is no such view."""
    return NO_VIEW in body


def feature_not_there(body: bytes) -> str | None:
    """Name of the feature that a refusal says the view lacks, if it says so."""
    match = NO_FEATURE.search(body.decode(errors="replace"))
    return match[1] if match else None


def _is_int64(text: str) -> bool:
    return INTEGER.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63


def _columns(body: bytes, features: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    try:
        answer: Any = orjson.loads(body)
        names = answer["metadata"]["feature_names"]
        columns = dict(zip(names, answer["results"], strict=True))
        # None becomes NaN, and so do the strings that stand for what JSON has no number for.
        values = np.array([columns[name]["values"] for name in features], np.float64)
        return values, np.array([columns[name]["statuses"] for name in features], np.str_)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreCorrupt(f"this is no feature server's answer: {error!r:.200}") from error
