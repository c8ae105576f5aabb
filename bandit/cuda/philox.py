"""Philox4x32-10: Salmon, Moraes, Dror, Shaw, SC 2011, doi 10.1145/2063384.2063405."""

import numpy as np

from bandit.cuda.target import Word, device

__all__ = ["philox"]

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
FACTOR_0 = np.uint64(0xD2511F53)
FACTOR_1 = np.uint64(0xCD9E8D57)
STEP_LOW = np.uint64(0x9E3779B9)
STEP_HIGH = np.uint64(0xBB67AE85)


@device()
def philox(key: Word, lane: Word, draw: Word) -> tuple[Word, Word, Word, Word]:
    """Return the block of counter (lane low, lane high, 0, draw); key and lane have 64 bits."""
    key_low = np.uint32(key & LOW)
    key_high = np.uint32(key >> HALF)
    w0 = np.uint32(lane & LOW)
    w1 = np.uint32(lane >> HALF)
    w2 = np.uint32(0)
    w3 = np.uint32(draw)
    for _ in range(10):
        product_0 = FACTOR_0 * np.uint64(w0)
        product_1 = FACTOR_1 * np.uint64(w2)
        w0 = np.uint32(np.uint32(product_1 >> HALF) ^ w1 ^ key_low)
        w2 = np.uint32(np.uint32(product_0 >> HALF) ^ w3 ^ key_high)
        w1 = np.uint32(product_1 & LOW)
        w3 = np.uint32(product_0 & LOW)
        key_low = np.uint32((np.uint64(key_low) + STEP_LOW) & LOW)
        key_high = np.uint32((np.uint64(key_high) + STEP_HIGH) & LOW)
    return w0, w1, w2, w3
