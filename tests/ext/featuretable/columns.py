"""Keys for the tests of both tables, and arrays that neither takes."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Keys = tuple[NDArray[np.uint64], NDArray[np.uint64]]
Pair = tuple[int, int]
GREATEST = 2**64 - 1

# Few hashes and fingerprints, next to the ends of the range and in its middle, make equal keys,
# equal hashes with other fingerprints and clusters that run into the spare slots.
EDGES = st.sampled_from([0, 1, 2, 2**63, GREATEST - 2, GREATEST - 1, GREATEST])
PAIRS = st.tuples(EDGES | st.integers(0, GREATEST), EDGES).filter(
    lambda pair: pair != (GREATEST, GREATEST)
)
BATCHES = st.lists(PAIRS, max_size=40)


def keys(pairs: list[Pair]) -> Keys:
    table = np.array(pairs, np.uint64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def random_keys(count: int, seed: int) -> Keys:
    rng = np.random.default_rng(seed)
    low, high = rng.integers(0, 2**64, (2, count), np.uint64)
    return low, high


def frozen(array: NDArray[np.generic]) -> NDArray[np.generic]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def misaligned() -> NDArray[np.uint64]:
    return np.zeros(4 * 8 + 1, np.uint8)[1:].view(np.uint64)
