"""Rows of posteriors, parted into columns to draw from."""

import numpy as np
import pytest

from betadist import part

RNG = np.random.default_rng(9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 401])
def test_the_prior_stands_in_where_nothing_is_known(dtype: str, n: int) -> None:
    rows, known = RNG.uniform(0.1, 500, (n, 2)), RNG.random(n) < 0.7
    rows[~known] = np.nan
    expected = np.where(known[:, None], rows, (2.0, 30.0)).astype(dtype)
    alpha, beta = part(rows, known, 2.0, 30.0, dtype)
    assert alpha.dtype == beta.dtype == dtype
    np.testing.assert_array_equal(alpha, expected[:, 0])
    np.testing.assert_array_equal(beta, expected[:, 1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_outside_the_normal_range_are_moved_to_its_edge(dtype: str) -> None:
    edge = np.finfo(dtype)
    rows = np.array([[5e-324, 1.7e308], [np.nan, 1.0]])
    alpha, beta = part(rows, np.ones(2, bool), 1.0, 1.0, dtype)
    assert alpha[0] == edge.tiny
    assert beta[0] == min(float(edge.max), 1.7e308)
    assert np.isnan(alpha[1])


def test_wrong_arguments_are_named() -> None:
    rows, known = np.ones((3, 2)), np.ones(3, bool)
    with pytest.raises(TypeError, match="rows is float32, must be float64"):
        part(rows.astype(np.float32), known, 1.0, 1.0, "float32")
    with pytest.raises(TypeError, match="known is list, must be a numpy array"):
        part(rows, [True], 1.0, 1.0, "float32")
    with pytest.raises(ValueError, match=r"rows has the shape \(3, 2\), must have \(2, 2\)"):
        part(rows, known[:2], 1.0, 1.0, "float32")
    with pytest.raises(ValueError, match="rows has 1 dimensions, must have 2"):
        part(rows[0], known, 1.0, 1.0, "float32")
    with pytest.raises(ValueError, match="dtype is 'int8', must be 'float32' or 'float64'"):
        part(rows, known, 1.0, 1.0, "int8")
