"""Columns of ids: out of a JSON body, hashed, and back into JSON."""

from ._core import HASH_VERSION, IdColumn, hash_id, split

__all__ = ["HASH_VERSION", "IdColumn", "hash_id", "split"]
