"""Pinned draws, one per path through the kernel, and the check that this build still makes them."""

from typing import NamedTuple

import numpy as np

from betadist._core import philox, sample


class Golden(NamedTuple):
    """One draw that no build may change without a new STREAM_VERSION."""

    path: str
    dtype: str
    alpha: float
    beta: float
    lane: int
    draw: str


KEY = 0x0123456789ABCDEF

DRAWS = (
    Golden("accepted at once", "float32", 2.0, 30.0, 1000, "0x1.3520d60000000p-3"),
    Golden("accepted by the logarithm", "float32", 1.0, 1.0, 1000, "0x1.d0bf4c0000000p-1"),
    Golden("rejected once", "float32", 1.0, 1.0, 1012, "0x1.e765800000000p-1"),
    Golden("rejected twice", "float32", 1.25, 1.0, 1062, "0x1.88729a0000000p-2"),
    Golden("counts of a bandit", "float32", 301.0, 9001.0, 1000, "0x1.2313b60000000p-5"),
    Golden("alpha < 1", "float32", 0.25, 3.0, 1000, "0x1.01aa200000000p-2"),
    Golden("beta < 1", "float32", 7.0, 0.125, 1000, "0x1.ff73520000000p-1"),
    Golden("both < 1, alpha raised", "float32", 0.5, 0.25, 1000, "0x1.f4fbc80000000p-1"),
    Golden("both < 1, beta raised", "float32", 0.5, 0.25, 1003, "0x1.65addc0000000p-5"),
    Golden("both < 1, rejected once", "float32", 0.75, 0.5, 1022, "0x1.dd71b80000000p-1"),
    Golden("small", "float32", 0.001, 0.001, 1000, "0x0p+0"),
    Golden("large", "float32", 1000000000.0, 2000000000.0, 1000, "0x1.5559080000000p-2"),
    Golden("far apart", "float32", 1e-38, 1.0, 9223372036854775825, "0x0p+0"),
    Golden("far apart", "float32", 1.0, 1e-38, 9223372036854775825, "0x1.0000000000000p+0"),
    Golden("tiny", "float32", 1e-38, 1e-38, 9223372036854775825, "0x1.0000000000000p+0"),
    Golden("huge", "float32", 1e38, 1e38, 9223372036854775825, "0x1.0000000000000p-1"),
    Golden("far apart", "float32", 1e38, 1e-38, 9223372036854775825, "0x1.0000000000000p+0"),
    Golden("far apart", "float32", 1e-38, 1e38, 9223372036854775825, "0x0p+0"),
    Golden("far apart", "float32", 1e38, 1.5, 9223372036854775825, "0x1.0000000000000p+0"),
    Golden(
        "tiny",
        "float32",
        1.401298464324817e-45,
        1.401298464324817e-45,
        9223372036854775825,
        "0x1.0000000000000p+0",
    ),
    Golden(
        "huge",
        "float32",
        3.4028234663852886e38,
        3.4028234663852886e38,
        9223372036854775825,
        "0x1.0000000000000p-1",
    ),
    Golden("just below 1", "float32", 0.99999994, 1.0, 9223372036854775825, "0x1.931b280000000p-1"),
    Golden("accepted at once", "float64", 2.0, 30.0, 1000, "0x1.3520d4fb0b279p-3"),
    Golden("accepted by the logarithm", "float64", 1.0, 1.0, 1000, "0x1.d0bf4a9395bdbp-1"),
    Golden("rejected once", "float64", 1.0, 1.0, 1012, "0x1.e7657f8b7760fp-1"),
    Golden("rejected twice", "float64", 1.25, 1.0, 1062, "0x1.88729ac493b0fp-2"),
    Golden("counts of a bandit", "float64", 301.0, 9001.0, 1000, "0x1.2313b33b9c1abp-5"),
    Golden("alpha < 1", "float64", 0.25, 3.0, 1000, "0x1.01aa22813099fp-2"),
    Golden("beta < 1", "float64", 7.0, 0.125, 1000, "0x1.ff73525df7cebp-1"),
    Golden("both < 1, alpha raised", "float64", 0.5, 0.25, 1000, "0x1.f4fbc8664bcf0p-1"),
    Golden("both < 1, beta raised", "float64", 0.5, 0.25, 1003, "0x1.65ade0183a8d0p-5"),
    Golden("both < 1, rejected once", "float64", 0.75, 0.5, 1022, "0x1.dd71b8156931cp-1"),
    Golden("small", "float64", 0.001, 0.001, 1000, "0x1.31948d712dfabp-618"),
    Golden("large", "float64", 1000000000.0, 2000000000.0, 1000, "0x1.5559095f4781dp-2"),
    Golden("far apart", "float64", 1e-300, 1.0, 9223372036854775825, "0x0p+0"),
    Golden("far apart", "float64", 1.0, 1e-300, 9223372036854775825, "0x1.0000000000000p+0"),
    Golden("tiny", "float64", 1e-300, 1e-300, 9223372036854775825, "0x1.0000000000000p+0"),
    Golden("huge", "float64", 1e300, 1e300, 9223372036854775825, "0x1.0000000000000p-1"),
    Golden("far apart", "float64", 1e300, 1e-300, 9223372036854775825, "0x1.0000000000000p+0"),
    Golden("far apart", "float64", 1e-300, 1e300, 9223372036854775825, "0x0p+0"),
    Golden("far apart", "float64", 1e300, 1.5, 9223372036854775825, "0x1.0000000000000p+0"),
    Golden("tiny", "float64", 5e-324, 5e-324, 9223372036854775825, "0x1.0000000000000p+0"),
    Golden(
        "huge",
        "float64",
        1.7976931348623157e308,
        1.7976931348623157e308,
        9223372036854775825,
        "0x1.0000000000000p-1",
    ),
    Golden(
        "just below 1",
        "float64",
        0.9999999999999999,
        1.0,
        9223372036854775825,
        "0x1.931b27006bdf7p-1",
    ),
)

# The known answers of Philox4x32-10: counter, key, block.
BLOCKS = (
    (
        (0, 0, 0, 0),
        0,
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        0xFFFFFFFFFFFFFFFF,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        0x299F31D0A4093822,
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


def redraw(golden: Golden) -> str:
    """Draw what `golden` pins and return it as it is pinned."""
    alpha = np.array([golden.alpha], golden.dtype)
    beta = np.array([golden.beta], golden.dtype)
    lanes = np.array([golden.lane], np.uint64)
    return float(sample(alpha, beta, KEY, lanes)[0]).hex()


def check(draws: tuple[Golden, ...]) -> None:
    """Raise RuntimeError for the first of `draws` that comes out differently."""
    for golden in draws:
        drawn = redraw(golden)
        if float.fromhex(drawn) != float.fromhex(golden.draw):
            raise RuntimeError(f"{golden} is drawn as {drawn} by this build")


def self_test() -> None:
    """Repeat pinned draws and random blocks with the kernel in use: a fraction of a millisecond.

    Raises
    ------
    RuntimeError
        When one differs: this build or processor would not keep the seeded stream's promise.
    """
    for counter, key, block in BLOCKS:
        made = philox(counter, key)
        if made != block:
            raise RuntimeError(f"the random block of {counter} is {made}, must be {block}")
    check(DRAWS)
