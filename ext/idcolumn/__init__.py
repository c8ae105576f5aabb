"""Columns of ids: out of a body, hashed, and back into JSON with their scores."""

from ._core import (
    HASH_VERSION,
    IdColumn,
    hash_id,
    numbers_to_json,
    split,
    split_tensor,
    to_json,
    uuid7,
)

__all__ = [
    "HASH_VERSION",
    "IdColumn",
    "hash_id",
    "numbers_to_json",
    "split",
    "split_tensor",
    "to_json",
    "uuid7",
]
