"""Wrong input is named: argument, index, value. Nothing is drawn then."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import betadist
from betadist import _core

ONES = np.ones(20)
DTYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("argument", ["alpha", "beta"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-1.0, "-1.0, must be > 0"),
        (0.0, "0.0, must be > 0"),
        (-0.0, "-0.0, must be > 0"),
        (math.nan, "nan, must be > 0"),
        (-math.inf, "-inf, must be > 0"),
        (math.inf, "inf, must be finite"),
    ],
)
@pytest.mark.parametrize("at", [0, 15, 16, 511, 512, 1002])
def test_an_unfit_shape(argument: str, value: float, said: str, at: int, dtype: str) -> None:
    columns = {"alpha": np.ones(1003, dtype), "beta": np.ones(1003, dtype)}
    columns[argument][at] = value
    refused = pytest.raises(ValueError, match=rf"^{argument}\[{at}\] is {said}$")
    for level in _core.kernels():
        with refused:
            _core.sample_with(level, **columns, key=1)
    out = np.full(1003, -7, dtype)
    with refused:
        betadist.sample(**columns, key=1, out=out)
    assert np.all(out == -7)
    for k in (0, 3, 1003):
        with refused:
            betadist.sample_top_k(**columns, key=1, k=k)


@pytest.mark.parametrize("at", [0, 50_000, 99_999])
@pytest.mark.parametrize("threads", [1, 2])
def test_an_unfit_shape_among_many(at: int, threads: int) -> None:
    alpha, beta = np.ones(100_000), np.ones(100_000)
    beta[at] = 0
    refused = pytest.raises(ValueError, match=rf"^beta\[{at}\] is 0.0, must be > 0$")
    with refused:
        betadist.sample(alpha, beta, 1, threads=threads)
    with refused:
        betadist.sample_top_k(alpha, beta, 1, 10, threads=threads)


def test_the_first_unfit_shape_of_the_first_argument_is_named() -> None:
    alpha, beta = np.ones(2000), np.ones(2000)
    alpha[1500:] = beta[3:] = -1
    with pytest.raises(ValueError, match=r"^alpha\[1500\] is -1.0, must be > 0$"):
        betadist.sample(alpha, beta, 1)


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"alpha": [1.0]}, TypeError, "alpha is list, must be a numpy array"),
        ({"beta": None}, TypeError, "beta is NoneType, must be a numpy array"),
        ({"alpha": np.ones(20, int)}, TypeError, "alpha is int64, must be float32 or float64"),
        ({"beta": np.ones(20, "f2")}, TypeError, "beta is float16, must be float32 or float64"),
        ({"beta": np.ones(20, ">f8")}, TypeError, "beta is >f8, must be float32 or float64"),
        ({"beta": np.ones(20, "f4")}, TypeError, "beta is float32, must be float64 as alpha is"),
        ({"alpha": np.ones((4, 5))}, ValueError, "alpha has 2 dimensions, must have 1"),
        ({"beta": np.array(1.0)}, ValueError, "beta has 0 dimensions, must have 1"),
        ({"beta": np.ones(19)}, ValueError, "beta has 19 elements, alpha has 20"),
        ({"key": -1}, ValueError, r"key is -1, must be in \[0, 2\*\*64\)"),
        ({"key": 2**64}, ValueError, r"key is 18446744073709551616, must be in \[0, 2\*\*64\)"),
        ({"key": 1.0}, TypeError, "key is float, must be an int"),
        ({"key": None}, TypeError, "key is NoneType, must be an int"),
        ({"lanes": [1] * 20}, TypeError, "lanes is list, must be a numpy array"),
        ({"lanes": np.zeros(20, "i8")}, TypeError, "lanes is int64, must be uint64"),
        ({"lanes": np.zeros(20, "u4")}, TypeError, "lanes is uint32, must be uint64"),
        ({"lanes": np.zeros(20, ">u8")}, TypeError, "lanes is >u8, must be uint64"),
        ({"lanes": np.zeros(21, "u8")}, ValueError, "lanes has 21 elements, alpha has 20"),
        ({"lanes": np.zeros((20, 1), "u8")}, ValueError, "lanes has 2 dimensions, must have 1"),
        ({"threads": 0}, ValueError, "threads is 0, must be >= 1"),
        ({"threads": 1.5}, TypeError, "threads is float, must be an int"),
    ],
)
def test_wrong_arguments(changed: dict, error: type[Exception], said: str) -> None:
    arguments = {"alpha": ONES, "beta": ONES, "key": 1} | changed
    with pytest.raises(error, match=f"^{said}$"):
        betadist.sample(**arguments)
    with pytest.raises(error, match=f"^{said}$"):
        betadist.sample_top_k(**arguments, k=2)


def read_only() -> np.ndarray:
    out = np.zeros(20)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    ("out", "error", "said"),
    [
        ([0.0] * 20, TypeError, "out is list, must be a numpy array"),
        (np.zeros(20, "f4"), TypeError, "out is float32, must be float64 as alpha is"),
        (np.zeros(19), ValueError, r"out has the shape \(19,\), must have \(20,\)"),
        (np.zeros((20, 1)), ValueError, r"out has the shape \(20, 1\), must have \(20,\)"),
        (np.zeros(40)[::2], ValueError, "out is not contiguous and aligned, must be"),
        (read_only(), ValueError, "out is read-only, must be writable"),
    ],
)
def test_wrong_out(out: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=f"^{said}$"):
        betadist.sample(ONES, ONES, 1, out=out)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("k", "error", "said"),
    [(-1, ValueError, "k is -1, must be >= 0"), ("3", TypeError, "k is str, must be an int")],
)
def test_wrong_k(k: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=f"^{said}$"):
        betadist.sample_top_k(ONES, ONES, 1, k)  # type: ignore[arg-type]


@pytest.mark.parametrize(("dtype", "bits"), [("float32", 32), ("float64", 64)])
def test_arbitrary_bits_are_refused_or_drawn(dtype: str, bits: int) -> None:
    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(
        st.lists(st.tuples(*[st.integers(0, 2**bits - 1)] * 2), min_size=1, max_size=40),
        st.integers(0, 2**64 - 1),
    )
    def refused_or_drawn(rows: list[tuple[int, int]], key: int) -> None:
        alpha, beta = np.array(rows, f"u{bits // 8}").T.copy().view(dtype)
        with np.errstate(invalid="ignore"):
            fit = all(np.all((column > 0) & (column < np.inf)) for column in (alpha, beta))
        if fit:
            drawn = betadist.sample(alpha, beta, key)
            assert np.all((drawn >= 0) & (drawn <= 1))
        else:
            with pytest.raises(ValueError, match="must be"):
                betadist.sample(alpha, beta, key)

    refused_or_drawn()


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_pair_of_exponents_draws_within_0_and_1(dtype: str) -> None:
    limits = np.finfo(dtype)
    least, most = np.log2(float(limits.smallest_subnormal)), np.log2(float(limits.max))
    rng = np.random.default_rng(21)
    exponents = rng.uniform(least, most, (2, 300_000))
    edges = np.array([limits.smallest_subnormal, limits.tiny, limits.eps, 1, limits.max], dtype)
    alpha, beta = np.maximum((2.0**exponents).astype(dtype), limits.smallest_subnormal)
    alpha[:25], beta[:25] = np.repeat(edges, 5), np.tile(edges, 5)
    alpha, beta = np.minimum(alpha, limits.max), np.minimum(beta, limits.max)
    drawn = betadist.sample(alpha, beta, 22)
    assert np.all((drawn >= 0) & (drawn <= 1))


def imported_with(level: str | None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "BETADIST_SIMD"}
    if level is not None:
        environment["BETADIST_SIMD"] = level
    code = "import betadist; betadist.self_test(); print(betadist.simd_level())"
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def test_simd_level_can_be_forced() -> None:
    assert imported_with("scalar").stdout == "scalar\n"
    assert imported_with("").stdout == imported_with(None).stdout
    assert imported_with(None).stdout.strip() in {"scalar", "avx2", "avx512", "neon"}


@pytest.mark.parametrize("level", ["sse9", "SCALAR", "sse2"])
def test_an_unknown_level_is_an_error_at_import(level: str) -> None:
    failed = imported_with(level)
    assert failed.returncode != 0
    assert f"ImportError: BETADIST_SIMD is {level!r}, must be one of: scalar" in failed.stderr
