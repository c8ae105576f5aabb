"""sample_top_k with filters is a stable sort of sample's result over the arms that take part."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import betadist
from betadist import _core

DTYPES = ("float32", "float64")
BLOCK = 1024
KEY = 6


@pytest.fixture(autouse=True, scope="module")
def three_threads() -> Iterator[None]:
    before = _core.limit_threads(3)
    yield
    _core.limit_threads(before)


class Arms(NamedTuple):
    alpha: NDArray
    beta: NDArray
    lanes: NDArray[np.uint64] | None
    tags: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.alpha)


def made(dtype: str, n: int, seed: int = 61, lane_count: int | None = 2**64) -> Arms:
    """Arms of which about half carry each of four tags; as many lanes as said, or none."""
    rng = np.random.default_rng(seed)
    alpha, beta = rng.uniform(0.5, 5, n).astype(dtype), rng.uniform(2, 50, n).astype(dtype)
    lanes = None if lane_count is None else rng.integers(0, lane_count, n, dtype=np.uint64)
    return Arms(alpha, beta, lanes, rng.integers(0, 16, n, dtype=np.uint64))


def expected(arms: Arms, takes_part: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray]:
    """The positions and draws of those that take part, best first."""
    drawn = betadist.sample(arms.alpha, arms.beta, KEY, arms.lanes)
    names = np.arange(len(arms), dtype=np.uint64) if arms.lanes is None else arms.lanes
    order = np.lexsort((names, -drawn))
    order = order[takes_part[order]]
    return order, drawn[order]


def passing(arms: Arms, include: int, exclude: int, without: NDArray) -> NDArray[np.bool_]:
    passes = (arms.tags & np.uint64(exclude)) == 0
    if include:
        passes &= (arms.tags & np.uint64(include)) != 0
    passes[without] = False
    return passes


def assert_best(
    arms: Arms, k: int, include: int = 0, exclude: int = 0, without: Any = (), threads: int = 1
) -> int:
    """Compare with the sort; return how many arms take part."""
    out = np.array(without, np.int64)
    takes_part = passing(arms, include, exclude, out)
    order, draws = expected(arms, takes_part)
    indices, values = betadist.sample_top_k(
        arms.alpha,
        arms.beta,
        KEY,
        k,
        arms.lanes,
        tags=arms.tags,
        include_tags=include,
        exclude_tags=exclude,
        without=out,
        threads=threads,
    )
    assert (indices.dtype, values.dtype) == (np.int64, arms.alpha.dtype)
    assert indices.tolist() == order[:k].tolist()
    assert values.tobytes() == draws[:k].tobytes()
    return int(takes_part.sum())


FILTERS = [(0, 0), (1, 0), (0, 1), (3, 4), (15, 0), (0, 15), (2, 2), (2**63, 0), (0, 2**63)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("include", "exclude"), FILTERS)
def test_tags(dtype: str, threads: int, include: int, exclude: int) -> None:
    arms = made(dtype, 50_000)
    for k in (1, 100, 3000, 40_000, 10**9):
        assert_best(arms, k, include, exclude, threads=threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.99, 0.9999, 1.0])
def test_positions_that_stay_out(dtype: str, threads: int, share: float) -> None:
    arms = made(dtype, 40_000)
    without = np.flatnonzero(np.random.default_rng(62).random(len(arms)) < share)
    for k in (0, 1, 100, 30_000):
        left = assert_best(arms, k, without=without, threads=threads)
        assert left == len(arms) - len(without)
        assert_best(arms, k, 5, 8, without, threads)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_lanes_are_positions_where_none_are_given(dtype: str, threads: int) -> None:
    arms = made(dtype, 40_000, lane_count=None)
    assert_best(arms, 100, 1, 2, range(0, 40_000, 3), threads)
    assert_best(arms, 40_000, 1, threads=threads)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("lane_count", [1, 40, None])
@pytest.mark.parametrize("k", [1, 50, 3000, 20_000])
def test_ties_and_duplicated_lanes(threads: int, lane_count: int | None, k: int) -> None:
    arms = made("float32", 40_000, lane_count=lane_count)
    arms.alpha[:], arms.beta[:] = 1e9, 1e-9  # every draw is 1
    assert_best(arms, k, threads=threads)
    assert_best(arms, k, 1, 0, range(0, 40_000, 7), threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 7, 8, 9, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK, 5 * BLOCK + 3])
def test_whole_blocks_and_parts_of_some(dtype: str, n: int) -> None:
    arms = made(dtype, n)
    block = np.arange(n) // BLOCK
    for mine in (block % 2 == 0, block == 1, np.arange(n) == n - 1, np.arange(n) % BLOCK == 0):
        for without in (np.flatnonzero(mine), np.flatnonzero(~mine)):
            assert_best(arms, 10, without=without)
            assert_best(arms, n, 3, 0, without)


def test_nobody_takes_part() -> None:
    arms = made("float64", 3000)
    assert assert_best(arms, 5, 1, 1) == 0
    assert assert_best(arms, 5, without=range(3000)) == 0
    assert assert_best(made("float64", 0), 5, 1, 2) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 6000),
    k=st.integers(0, 3000),
    tags=st.tuples(*[st.integers(0, 15)] * 2),
    share=st.sampled_from([0.0, 0.01, 0.5, 0.99, 1.0]),
    lane_count=st.sampled_from([1, 3, 2**64, None]),
    seed=st.integers(0, 2**32),
)
def test_any_sizes_and_filters(
    dtype: str,
    n: int,
    k: int,
    tags: tuple[int, int],
    share: float,
    lane_count: int | None,
    seed: int,
) -> None:
    arms = made(dtype, n, seed, lane_count)
    without = np.flatnonzero(np.random.default_rng(seed).random(n) < share)
    assert_best(arms, k, *tags, without)


def test_every_kernel_selects_alike() -> None:
    code = """
import numpy as np
from tests.ext.betadist.test_betadist_filters import DTYPES, assert_best, made
for dtype in DTYPES:
    for k in (1, 100, 9000):
        assert_best(made(dtype, 10_000), k, 3, 4, range(0, 10_000, 5))
print("alike")
"""
    for level in _core.kernels():
        ended = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"BETADIST_SIMD": level, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.stdout, ended.stderr) == ("alike\n", ""), level


def test_forms_of_filters_that_hold_the_same() -> None:
    arms = made("float32", 3000)
    without = np.arange(0, 3000, 3)
    fixed = without.copy()
    fixed.flags.writeable = False
    columns = (arms.alpha, arms.beta, KEY, 9, arms.lanes)
    order, _ = expected(arms, passing(arms, 1, 0, without))
    for tags in (arms.tags, np.repeat(arms.tags, 2)[::2], arms.tags[::-1].copy()[::-1]):
        for out in (without, np.repeat(without, 2)[::2], fixed):
            indices, _ = betadist.sample_top_k(*columns, tags=tags, include_tags=1, without=out)
            assert indices.tolist() == order[:9].tolist()


def without(*positions: int) -> dict[str, NDArray]:
    return {"without": np.array(positions, np.int64)}


TAGS = np.zeros(20, np.uint64)
WORD = r"must be in \[0, 2\*\*64\)"


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"tags": [1] * 20}, TypeError, "tags is list, must be a numpy array"),
        ({"tags": np.zeros(20, "i8")}, TypeError, "tags is int64, must be uint64"),
        ({"tags": np.zeros(20, ">u8")}, TypeError, "tags is >u8, must be uint64"),
        ({"tags": np.zeros(19, "u8")}, ValueError, "tags has 19 elements, alpha has 20"),
        ({"tags": np.zeros((20, 1), "u8")}, ValueError, "tags has 2 dimensions, must have 1"),
        ({"tags": TAGS, "include_tags": -1}, ValueError, f"include_tags is -1, {WORD}"),
        ({"tags": TAGS, "exclude_tags": 2**64}, ValueError, f"exclude_tags is {2**64}, {WORD}"),
        ({"exclude_tags": "a"}, TypeError, "exclude_tags is str, must be an int"),
        ({"include_tags": 4}, ValueError, "include_tags is 4, must be 0 without tags"),
        ({"exclude_tags": 5}, ValueError, "exclude_tags is 5, must be 0 without tags"),
        ({"without": [1]}, TypeError, "without is list, must be a numpy array"),
        ({"without": np.zeros(1, "i4")}, TypeError, "without is int32, must be int64"),
        ({"without": np.zeros((1, 1), "i8")}, ValueError, "without has 2 dimensions, must have 1"),
        (without(3, -1), ValueError, r"without\[1\] is -1, must be in \[0, 20\)"),
        (without(3, 20), ValueError, r"without\[1\] is 20, must be in \[0, 20\)"),
        (without(1, 4, 4), ValueError, r"without\[2\] is 4, must be above without\[1\]"),
        (without(1, 4, 2), ValueError, r"without\[2\] is 2, must be above without\[1\]"),
    ],
)
def test_wrong_filters(changed: dict, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=f"^{said}$"):
        betadist.sample_top_k(np.ones(20), np.ones(20), 1, 2, **changed)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_shape_is_looked_at_where_its_arm_takes_part(threads: int) -> None:
    arms = made("float32", 40_000)
    arms.alpha[20_000] = np.nan
    left = without(20_000)
    indices, values = betadist.sample_top_k(
        arms.alpha, arms.beta, KEY, 10, arms.lanes, **left, threads=threads
    )
    assert np.all(np.isfinite(values))
    assert 20_000 not in indices
    for others in (without(5), without(*range(20_000))):
        with pytest.raises(ValueError, match=r"^alpha\[20000\] is nan, must be > 0$"):
            betadist.sample_top_k(arms.alpha, arms.beta, KEY, 10, arms.lanes, **others)
