"""A draw depends on key, lane, shapes and type, and on nothing else."""

import ctypes
import ctypes.util
import platform

import numpy as np
import pytest
from numpy.typing import NDArray

import betadist
from betadist import _core

DTYPES = ("float32", "float64")
KEY = 0x5EED_0000_1234_5678
N = 3001


def shapes(dtype: str, n: int = N) -> tuple[NDArray, NDArray]:
    """A mix of all paths: below 1, around 1, counts, extremes."""
    rng = np.random.default_rng(11)
    exponent = np.where(rng.random((2, n)) < 0.5, rng.uniform(-1, 2, (2, n)), rng.uniform(-9, 9))
    alpha, beta = (10.0**exponent).astype(dtype)
    return alpha, beta


def lanes(n: int = N) -> NDArray[np.uint64]:
    return np.random.default_rng(12).integers(0, 2**64, n, dtype=np.uint64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 3, 16, 400, 1024])
def test_chunks_give_the_whole(dtype: str, size: int) -> None:
    (alpha, beta), names = shapes(dtype), lanes()
    parts = [
        betadist.sample(alpha[i : i + size], beta[i : i + size], KEY, names[i : i + size])
        for i in range(0, N, size)
    ]
    assert np.concatenate(parts).tobytes() == betadist.sample(alpha, beta, KEY, names).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_lanes_default_to_positions(dtype: str) -> None:
    alpha, beta = shapes(dtype)
    named = betadist.sample(alpha, beta, KEY, np.arange(N, dtype=np.uint64))
    assert named.tobytes() == betadist.sample(alpha, beta, KEY).tobytes()


def test_equal_lanes_draw_alike_and_every_bit_of_lane_and_key_counts() -> None:
    one = np.full(64, 2.0), np.full(64, 3.0)
    assert len(set(betadist.sample(*one, KEY, np.full(64, 9, np.uint64)).tolist())) == 1
    bits = np.uint64(1) << np.arange(64, dtype=np.uint64)
    assert len(set(betadist.sample(*one, KEY, bits).tolist())) == 64
    keys = [betadist.sample(one[0][:1], one[1][:1], 1 << bit)[0] for bit in range(64)]
    assert len(set(keys)) == 64


@pytest.mark.parametrize("dtype", DTYPES)
def test_out_takes_the_draws(dtype: str) -> None:
    alpha, beta = shapes(dtype)
    drawn = betadist.sample(alpha, beta, KEY)
    out = np.full(N, -1, dtype)
    assert betadist.sample(alpha, beta, KEY, out=out) is out
    assert out.tobytes() == drawn.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("shift", [0, 1, 300])
def test_out_may_overlap_the_shapes(dtype: str, threads: int, shift: int) -> None:
    n = 50_000
    alpha, beta = shapes(dtype, n)
    drawn = betadist.sample(alpha, beta, KEY)
    memory = np.concatenate([alpha, np.zeros(shift, dtype)])
    inside, out = memory[:n], memory[shift:]
    betadist.sample(inside, beta, KEY, out=out, threads=threads)
    assert out.tobytes() == drawn.tobytes()


def test_strided_unaligned_and_read_only_columns_are_read() -> None:
    (alpha, beta), names = shapes("float64"), lanes()
    drawn = betadist.sample(alpha, beta, KEY, names)
    packed = np.zeros(N, [("pad", "u1"), ("alpha", "f8"), ("lane", "u8")])
    packed["alpha"], packed["lane"] = alpha, names
    beta.flags.writeable = False
    again = betadist.sample(packed["alpha"], beta, KEY, packed["lane"])
    assert again.tobytes() == drawn.tobytes()
    backwards = betadist.sample(alpha[::-1], beta[::-1], KEY, names[::-1])
    assert backwards.tobytes() == drawn[::-1].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_empty_input_gives_an_empty_array(dtype: str) -> None:
    none = np.empty(0, dtype)
    drawn = betadist.sample(none, none, KEY, np.empty(0, np.uint64), threads=8)
    assert drawn.shape == (0,)
    assert drawn.dtype == dtype


def test_keys_at_both_ends_and_numpy_integers() -> None:
    alpha, beta = shapes("float64")
    top = betadist.sample(alpha, beta, 2**64 - 1)
    assert betadist.sample(alpha, beta, np.uint64(2**64 - 1)).tobytes() == top.tobytes()
    assert betadist.sample(alpha, beta, 0).tobytes() != top.tobytes()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the mode's number is x86's")
@pytest.mark.parametrize("mode", [0x400, 0x800, 0xC00])
def test_the_threads_rounding_mode_does_not_matter(mode: int) -> None:
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    alpha, beta = shapes("float64")
    drawn = betadist.sample(alpha, beta, KEY)
    out = np.empty_like(drawn)
    libm.fesetround(mode)
    try:
        betadist.sample(alpha, beta, KEY, out=out)
        left = libm.fegetround()
    finally:
        libm.fesetround(0)
    assert left == mode
    assert out.tobytes() == drawn.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_lanes_out_of_attempts_get_the_centre(dtype: str) -> None:
    alpha, beta = np.ones(4096, dtype), np.ones(4096, dtype)
    drawn = betadist.sample(alpha, beta, KEY)
    bounded = _core.sample_with("scalar", alpha, beta, KEY, max_attempts=1)
    rejected = bounded != drawn
    assert 0.08 < rejected.mean() < 0.11  # .094: 1 - (acceptance of shape 1, .952)^2
    assert np.all(bounded[rejected] == 0.5)
