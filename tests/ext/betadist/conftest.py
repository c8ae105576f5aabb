"""Columns that take every path through the kernel."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.ext.betadist.shape_columns import ShapeColumns

N = 20_003  # whole blocks of the kernel's, and a part of one
EXTREMES = (
    *(1e-45, 1e-38, 1e-30, 1e-9, 1e-3, 0.3, 0.99999994, 1.0, 1.0000001),
    *(2.5, 30.0, 1e3, 1e6, 1e9, 1e30, 1e38, 3.4028234663852886e38),
)
FLOAT64_EXTREMES = (5e-324, 1e-310, 2.3e-308, 1e-300, 1e300, 1.7976931348623157e308)


def shapes(mix: str, dtype: str, rng: np.random.Generator) -> NDArray:
    if mix == "counts":
        impressions = rng.integers(10, 5001, N)
        clicks = rng.binomial(impressions, rng.beta(2, 30, N))
        return np.stack([1 + clicks, 1 + impressions - clicks])
    if mix == "below 1":
        return rng.uniform(0.01, 1, (2, N))
    if mix == "around 1":
        return rng.uniform(0.5, 1.5, (2, N))
    if mix == "all sizes":
        return 10.0 ** rng.uniform(-6, 9, (2, N))
    return rng.choice(EXTREMES + FLOAT64_EXTREMES * (dtype == "float64"), (2, N))


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["counts", "below 1", "around 1", "all sizes", "extremes"])
def mixed(request: pytest.FixtureRequest, dtype: str) -> ShapeColumns:
    """Shapes of one mix and lanes of all 64 bits."""
    rng = np.random.default_rng(21)
    alpha, beta = shapes(request.param, dtype, rng).astype(dtype)
    return ShapeColumns(alpha, beta, rng.integers(0, 2**64, N, dtype=np.uint64))
