"""Where rows lie in Redis, and how: see the package."""

import json

import numpy as np

from featurestore.errors import StoreCorrupt
from featurestore.tablelist import check_name

__all__ = [
    "FLOAT",
    "check_entity_type",
    "check_prefix",
    "decode_features",
    "encode_features",
    "row_prefix",
    "storable",
    "tables_key",
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
