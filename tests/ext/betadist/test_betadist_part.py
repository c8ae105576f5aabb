"""Rows of posteriors, parted into columns to draw from."""

import os
import subprocess
import sys

import numpy as np
import pytest

from betadist import _core, part

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
    least, most = float(edge.tiny), float(edge.max)
    of = {
        5e-324: least,
        1.7e308: min(most, 1.7e308),
        np.inf: most,
        0.0: least,
        -1.0: least,
        3.0: 3.0,
    }
    rows = np.resize(np.array([*of, np.nan, -np.nan]), (37, 2))
    expected = np.resize(np.array([*of.values(), np.nan, np.nan]), (37, 2)).astype(dtype)
    columns = part(rows, np.ones(37, bool), 1.0, 1.0, dtype)
    np.testing.assert_array_equal(np.column_stack(columns), expected)


def test_every_kernel_parts_alike() -> None:
    code = """
import tests.ext.betadist.test_betadist_part as asked
for dtype in ("float32", "float64"):
    asked.test_the_prior_stands_in_where_nothing_is_known(dtype, 401)
    asked.test_shapes_outside_the_normal_range_are_moved_to_its_edge(dtype)
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
