"""The order of scores."""

import numpy as np
import pytest

from betadist import rank

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 2, 255, 400, 5_000])
@pytest.mark.parametrize("k", [None, 0, 1, 10, 300, 6_000])
@pytest.mark.parametrize("distinct", [1, 7, 1 << 30])
def test_it_is_that_of_a_stable_sort(dtype, n: int, k: int | None, distinct: int) -> None:
    values = (RNG.integers(0, distinct, n) / distinct).astype(dtype)
    lanes = RNG.integers(0, max(1, n // 4), n, dtype=np.uint64)
    expected = np.lexsort((np.arange(n), lanes, -values))
    order = rank(values, lanes, k)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(order, expected[:k])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 400, 5_000])
@pytest.mark.parametrize("k", [None, 300])
def test_values_that_lie_close_beside_some_far_off(dtype, n: int, k: int | None) -> None:
    values = dtype(0.9) + RNG.integers(0, n // 2, n) * np.spacing(dtype(0.9))
    values[RNG.integers(0, n, 2)] = 0, np.finfo(dtype).tiny
    lanes = RNG.integers(0, max(1, n // 4), n, dtype=np.uint64)
    expected = np.lexsort((np.arange(n), lanes, -values))
    np.testing.assert_array_equal(rank(values.astype(dtype), lanes, k), expected[:k])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_of_any_size(dtype) -> None:
    edge = np.finfo(dtype)
    values = np.array([0, edge.smallest_subnormal, edge.tiny, 0.5, 1, 2, edge.max, np.inf], dtype)
    lanes = np.arange(len(values), dtype=np.uint64)
    assert rank(values, lanes).tolist() == [7, 6, 5, 4, 3, 2, 1, 0]


def test_zeros_are_equal() -> None:
    values = np.array([0.0, -0.0, 0.0], np.float32)
    assert rank(values, np.array([2, 1, 0], np.uint64)).tolist() == [2, 1, 0]


def test_strided_values_and_lanes() -> None:
    values, lanes = RNG.random((2, 50)), RNG.integers(0, 9, 100, dtype=np.uint64)
    np.testing.assert_array_equal(
        rank(values[1, ::2], lanes[::4]), rank(values[1, ::2].copy(), lanes[::4].copy())
    )


@pytest.mark.parametrize("wrong", [np.nan, -0.5])
@pytest.mark.parametrize("k", [1, 100])
def test_values_without_an_order_are_refused(wrong: float, k: int) -> None:
    values = np.full(100, wrong)
    with pytest.raises(ValueError, match="values holds a NaN or a number < 0"):
        rank(values, np.zeros(100, np.uint64), k)


def test_wrong_arguments_are_named() -> None:
    values, lanes = np.zeros(3), np.zeros(3, np.uint64)
    with pytest.raises(TypeError, match="values is list, must be a numpy array"):
        rank([0.5], lanes)
    with pytest.raises(TypeError, match="values is int64, must be float32 or float64"):
        rank(values.astype(np.int64), lanes)
    with pytest.raises(ValueError, match="lanes has 3 elements"):
        rank(np.zeros(2), lanes)
    with pytest.raises(TypeError, match="lanes is int64, must be uint64"):
        rank(values, lanes.astype(np.int64))
    with pytest.raises(ValueError, match="k is -1, must be >= 0"):
        rank(values, lanes, -1)
