"""sample_top_k is a stable sort of sample's result, cut after k."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import betadist
from betadist import _core

DTYPES = ("float32", "float64")


@pytest.fixture(autouse=True, scope="module")
def three_threads() -> Iterator[None]:
    before = _core.limit_threads(3)
    yield
    _core.limit_threads(before)


def shapes(dtype: str, n: int) -> tuple[NDArray, NDArray]:
    rng = np.random.default_rng(31)
    return rng.uniform(0.5, 5, n).astype(dtype), rng.uniform(2, 50, n).astype(dtype)


def sorted_draws(
    alpha: NDArray, beta: NDArray, lanes: NDArray[np.uint64] | None
) -> tuple[NDArray, NDArray]:
    drawn = betadist.sample(alpha, beta, 5, lanes)
    names = np.arange(len(drawn), dtype=np.uint64) if lanes is None else lanes
    order = np.lexsort((names, -drawn))
    return order, drawn[order]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n", [1, 400, 40_000])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999, 1.0, 2.0])
def test_it_is_a_sort_cut_after_k(dtype: str, threads: int, n: int, share: float) -> None:
    alpha, beta = shapes(dtype, n)
    lanes = np.random.default_rng(32).integers(0, 2**64, n, dtype=np.uint64)
    k = int(share * n)
    indices, values = betadist.sample_top_k(alpha, beta, 5, k, lanes, threads=threads)
    order, draws = sorted_draws(alpha, beta, lanes)
    assert indices.dtype == np.int64
    assert indices.tolist() == order[:k].tolist()
    assert values.tobytes() == draws[:k].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("k", [1, 10, 5000, 30_000])
def test_ties_go_by_lane_then_by_position(dtype: str, threads: int, k: int) -> None:
    n = 30_000
    alpha, beta = np.full(n, 1e9, dtype), np.full(n, 1e-9, dtype)  # every draw is 1
    assert np.all(betadist.sample(alpha, beta, 5) == 1)
    lanes = np.random.default_rng(33).integers(0, 1000, n, dtype=np.uint64)
    indices, _ = betadist.sample_top_k(alpha, beta, 5, k, lanes, threads=threads)
    assert indices.tolist() == np.argsort(lanes, kind="stable")[:k].tolist()
    unnamed, _ = betadist.sample_top_k(alpha, beta, 5, k, threads=threads)
    assert unnamed.tolist() == list(range(k))


def test_order_of_the_candidates_does_not_matter() -> None:
    alpha, beta = shapes("float32", 5000)
    lanes = np.random.default_rng(34).permutation(5000).astype(np.uint64)
    indices, values = betadist.sample_top_k(alpha, beta, 5, 50, lanes)
    shuffled = np.random.default_rng(35).permutation(5000)
    again, same = betadist.sample_top_k(alpha[shuffled], beta[shuffled], 5, 50, lanes[shuffled])
    assert shuffled[again].tolist() == indices.tolist()
    assert same.tobytes() == values.tobytes()


def test_more_than_there_are_gives_all() -> None:
    alpha, beta = shapes("float64", 7)
    indices, values = betadist.sample_top_k(alpha, beta, 5, 10**30)
    assert sorted(indices.tolist()) == list(range(7))
    assert len(values) == 7


def test_nothing_of_nothing() -> None:
    none = np.empty(0, np.float32)
    indices, values = betadist.sample_top_k(none, none, 5, 3)
    assert indices.shape == values.shape == (0,)
    assert (indices.dtype, values.dtype) == (np.int64, np.float32)


def tied(dtype: str, n: int, levels: int) -> tuple[NDArray, NDArray]:
    """Shapes whose draws are their means: at most `levels` different ones."""
    huge = float(np.finfo(dtype).max) / 4
    share = np.random.default_rng(36).integers(1, levels + 1, n) / (levels + 1)
    return (huge * share).astype(dtype), (huge * (1 - share)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("levels", [1, 2, 40])
def test_ties_across_parts(dtype: str, threads: int, levels: int) -> None:
    n = 100_000
    alpha, beta = tied(dtype, n, levels)
    assert len(np.unique(betadist.sample(alpha, beta, 5))) <= levels
    lanes = np.random.default_rng(37).integers(0, 50, n, dtype=np.uint64)
    for names in (None, lanes, np.arange(n, 0, -1, dtype=np.uint64)):
        order, draws = sorted_draws(alpha, beta, names)
        for k in (1, 50, 3000, 40_000):
            indices, values = betadist.sample_top_k(alpha, beta, 5, k, names, threads=threads)
            assert indices.tolist() == order[:k].tolist()
            assert values.tobytes() == draws[:k].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_the_best_come_last(dtype: str, threads: int) -> None:
    n = 100_000  # every block raises the bound
    alpha = np.linspace(1e3, 1e4, n, dtype=dtype)
    beta = np.full(n, 1e4, dtype)
    order, draws = sorted_draws(alpha, beta, None)
    for k in (1, 10, 2000):
        indices, values = betadist.sample_top_k(alpha, beta, 5, k, threads=threads)
        assert indices.tolist() == order[:k].tolist()
        assert values.tobytes() == draws[:k].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [63, 64, 65, 487, 488, 489, 1023, 1024, 1025])
def test_numbers_around_the_sizes_of_buffers(dtype: str, k: int) -> None:
    for n in (k - 1, k, k + 1, 2 * k + 1023, 2 * k + 1024, 2 * k + 1025, 5 * k + 2000):
        alpha, beta = shapes(dtype, n)
        indices, values = betadist.sample_top_k(alpha, beta, 5, k)
        order, draws = sorted_draws(alpha, beta, None)
        assert indices.tolist() == order[:k].tolist()
        assert values.tobytes() == draws[:k].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 6000),
    k=st.integers(1, 3000),
    levels=st.sampled_from([0, 1, 3, 100]),
    lane_count=st.sampled_from([1, 3, 2**64]),
    seed=st.integers(0, 2**32),
)
def test_any_sizes_and_ties(
    dtype: str, n: int, k: int, levels: int, lane_count: int, seed: int
) -> None:
    alpha, beta = tied(dtype, n, levels) if levels else shapes(dtype, n)
    lanes = np.random.default_rng(seed).integers(0, lane_count, n, dtype=np.uint64)
    indices, values = betadist.sample_top_k(alpha, beta, 5, k, lanes)
    order, draws = sorted_draws(alpha, beta, lanes)
    assert indices.tolist() == order[:k].tolist()
    assert values.tobytes() == draws[:k].tobytes()
