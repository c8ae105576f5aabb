"""Where rows lie in Redis, and how: see the package."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from featurestore.catalogue import check_name
from featurestore.errors import StoreCorrupt

__all__ = [
    "FLOAT",
    "check_entity_type",
    "check_prefix",
    "decode_features",
    "encode_features",
    "row_prefix",
    "storable",
    "tables_key",
    "unpack",
]

FLOAT = np.dtype("<f8")


def check_prefix(prefix: str) -> None:
    """Raise a ValueError unless the prefix can stand at the start of a key."""
    check_name("prefix", prefix)
    if ":" in prefix:
        raise ValueError(f"prefix is {prefix!r}, must hold no ':'")


def check_entity_type(entity_type: str) -> None:
    """Raise a ValueError unless rows of the entity type can be stored."""
    check_name("entity_type", entity_type)
    if ":" in entity_type:
        raise ValueError(f"entity_type is {entity_type!r}, must hold no ':' in Redis")


def storable(entity_type: str) -> bool:
    """Whether rows of the entity type can be stored."""
    try:
        check_entity_type(entity_type)
    except ValueError:  # one that UTF-8 can't hold, too
        return False
    return True


def tables_key(prefix: str) -> bytes:
    """Key of the hash of tables."""
    return f"{prefix}:tables".encode()


def row_prefix(prefix: str, entity_type: str) -> bytes:
    """Return what stands before the id in the key of a row."""
    return f"{prefix}:{entity_type}:".encode()


def encode_features(features: tuple[str, ...]) -> bytes:
    """Features of a table as they are stored."""
    return json.dumps(features, ensure_ascii=False, separators=(",", ":")).encode()


def decode_features(record: bytes) -> tuple[str, ...]:
    """Features of a table as they were stored.

    Raises
    ------
    StoreCorrupt
        Something else is stored there.
    """
    try:
        names = json.loads(record)
    except (RecursionError, ValueError) as error:
        raise StoreCorrupt(f"the hash of tables holds {record[:200]!r}") from error
    if not (isinstance(names, list) and names and all(isinstance(n, str) for n in names)):
        raise StoreCorrupt(f"the hash of tables holds {record[:200]!r}")
    return tuple(names)


def unpack(
    stored: Sequence[bytes | None], features: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    """Rows as they were stored.

    Parameters
    ----------
    stored : sequence of n bytes or None
        The values of n keys.
    features : int
        f, how many numbers a row has.

    Returns
    -------
    values : float64[n, f]
        Writable; NaN where there is no row.
    found : bool[n]
        There is a row, of this many numbers.
    misfits : int
        Rows of another length.

    Raises
    ------
    TypeError
        A value is neither bytes nor None.
    """
    width = features * FLOAT.itemsize
    if None not in stored and set(map(len, stored)) == {width}:  # type: ignore[arg-type]
        values = np.frombuffer(bytearray().join(stored), FLOAT).reshape(-1, features)  # type: ignore[arg-type]
        return values, np.ones(len(stored), np.bool_), 0
    rows = [b"" if value is None else value for value in stored]
    sizes = list(map(len, rows))
    there = np.array(sizes) == width
    misfits = len(rows) - sizes.count(width) - stored.count(None)
    missing = np.full(features, np.nan, FLOAT).tobytes()
    rows = [row if len(row) == width else missing for row in rows]
    values = np.frombuffer(bytearray().join(rows), FLOAT).reshape(-1, features)
    return values, there, misfits
