"""The key of a decision's randomness."""

from functools import cache
from hashlib import blake2b

__all__ = ["decision_key"]


def decision_key(model: str, decision_id: str) -> int:
    """Return the 64-bit sampler key of one decision by one model.

    BLAKE2b (RFC 7693) of the model's name and the decision id. The model's version is left out on
    purpose: two versions asked with the same decision id draw with common random numbers, so their
    scores differ by their posteriors alone. Two models draw independently.
    """
    begun = _begun(model).copy()
    begun.update(decision_id.encode())
    return int.from_bytes(begun.digest(), "little")


@cache
def _begun(model: str) -> blake2b:
    """Return the hash that the keys of a model begin with; to set one up takes half of a key."""
    name = model.encode()
    text = len(name).to_bytes(4, "little") + name
    return blake2b(text, digest_size=8, person=b"decision")
