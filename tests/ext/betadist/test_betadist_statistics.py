"""The draws' distribution: fits, moments, independence, and proof that the tests would notice.

Seeds are fixed. Were they not, all tests of this file together would raise a false alarm once in a
million runs: BUDGET is split evenly over at most CHECKS checks.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

import betadist
from betadist import _core

BUDGET, CHECKS = 1e-6, 500
ALPHA = BUDGET / CHECKS
N = 100_000
DTYPES = ("float32", "float64")

BALANCED = [(0.1, 0.1), (0.5, 0.5), (0.9, 0.2), (0.3, 2.0), (1.0, 1.0), (1.0, 40.0), (2.0, 30.0)]
BALANCED += [(3.0, 1.5), (10.0, 10.0), (300.0, 9000.0), (1000.0, 1.0), (1e5, 3e5)]
TINY = [(1e-3, 1e-3), (1e-3, 1.0), (1.0, 1e-3), (1e-3, 1e3), (0.01, 0.02), (5.0, 0.05), (1e-6, 0.5)]
LARGE = [(1e6, 1e6), (1e9, 1e9), (1e9, 3e7), (1e9, 1.0), (2.0, 1e9), (1e9, 1e-3), (0.5, 1e9)]

FITS = [(dtype, *shapes) for dtype in DTYPES for shapes in BALANCED + TINY]
FITS += [("float64", *shapes) for shapes in LARGE] + [("float32", 1e6, 1e6), ("float32", 2.0, 1e9)]
MOMENTS = [(dtype, *shapes) for dtype in DTYPES for shapes in BALANCED]
MOMENTS += [("float64", *shapes) for shapes in LARGE[:5]]


def draw(dtype: str, a: float, b: float, n: int = N, key: int = 2024) -> NDArray:
    return betadist.sample(np.full(n, a, dtype), np.full(n, b, dtype), key)


def below(x: NDArray, side: int, a: float, b: float) -> NDArray:
    """P(X <= x + half an ulp of x), or - half an ulp, keeping the digits near 0 and near 1."""
    by = side * np.spacing(x).astype(float) / 2
    x = x.astype(float)
    near_0 = special.betainc(a, b, np.clip(x + by, 0, 1))
    near_1 = special.betainc(b, a, np.clip((1 - x) - by, 0, 1))
    return np.where(x < 0.5, near_0, 1 - near_1)


def below_half_of(least: float, a: float, b: float) -> float:
    """P(X <= least / 2), which may not be representable: a power law so near 0."""
    return float(special.betainc(a, b, least) / 2**a)


def kolmogorov_smirnov(drawn: NDArray, a: float, b: float) -> float:
    """p-value; a draw stands for all values that round to it, as 0 and 1 do for many."""
    values, counts = np.unique(drawn, return_counts=True)
    up = np.cumsum(counts) / drawn.size
    expected = below(values, 1, a, b)
    if values[0] == 0:
        expected[0] = below_half_of(float(np.spacing(values[0])), a, b)
    above = np.abs(up - expected).max()
    under = np.abs(up - counts / drawn.size - below(values, -1, a, b)).max()
    return float(special.kolmogorov(max(above, under) * np.sqrt(drawn.size)))


@pytest.mark.parametrize(("dtype", "a", "b"), FITS)
def test_kolmogorov_smirnov(dtype: str, a: float, b: float) -> None:
    a, b = (float(np.dtype(dtype).type(shape)) for shape in (a, b))
    n = N if a + b < 1e5 else N // 5  # the incomplete beta function is slow at large shapes
    assert kolmogorov_smirnov(draw(dtype, a, b, n), a, b) > ALPHA


@pytest.mark.parametrize(("dtype", "a", "b"), MOMENTS)
def test_bins_of_equal_probability(dtype: str, a: float, b: float) -> None:
    edges = np.unique(stats.beta(a, b).ppf(np.arange(1, 100) / 100).astype(dtype))
    edges = edges[edges < 1]
    expected = np.diff(below(edges, 1, a, b), prepend=0, append=1) * N
    drawn = draw(dtype, a, b, key=2025)
    counts = np.bincount(np.searchsorted(edges, drawn), minlength=len(expected))
    assert stats.chisquare(counts, expected).pvalue > ALPHA


@pytest.mark.long
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 0.7), (2.0, 30.0), (300.0, 9000.0)])
def test_a_hundred_million_draws_in_bins(dtype: str, a: float, b: float) -> None:
    chunk, chunks = 5_000_000, 20
    edges = np.unique(stats.beta(a, b).ppf(np.arange(1, 1000) / 1000).astype(dtype))
    expected = np.diff(below(edges, 1, a, b), prepend=0, append=1) * chunk * chunks
    counts = np.zeros(len(expected))
    for key in range(chunks):
        drawn = draw(dtype, a, b, chunk, key)
        counts += np.bincount(np.searchsorted(edges, drawn), minlength=len(expected))
    assert stats.chisquare(counts, expected).pvalue > ALPHA


def central_moments(a: float, b: float) -> tuple[float, float, float]:
    """Mean, variance, and the variance of (X - mean)^2."""
    mean, variance, _, excess = (float(m) for m in stats.beta(a, b).stats("mvsk"))
    return mean, variance, (excess + 2) * variance**2


@pytest.mark.parametrize(("dtype", "a", "b"), MOMENTS)
def test_mean_and_variance_within_their_standard_errors(dtype: str, a: float, b: float) -> None:
    mean, variance, spread = central_moments(a, b)
    drawn = draw(dtype, a, b, key=2026).astype(float)
    limit = stats.norm.isf(ALPHA / 2)
    assert abs(drawn.mean() - mean) < limit * np.sqrt(variance / N)
    assert abs(np.mean((drawn - mean) ** 2) - variance) < limit * np.sqrt(spread / N)


@pytest.mark.parametrize("shapes", [(0.1, 1.0), (0.2, 0.3), (0.5, 1e9), (1.0, 30.0), (2e6, 1e6)])
def test_mean_and_variance_of_the_logarithm(shapes: tuple[float, float]) -> None:
    a, b = shapes
    cumulants = [special.polygamma(n, a) - special.polygamma(n, a + b) for n in range(4)]
    drawn = np.log(draw("float64", a, b, key=2027))
    limit = stats.norm.isf(ALPHA / 2)
    spread = cumulants[3] + 2 * cumulants[1] ** 2
    assert abs(drawn.mean() - cumulants[0]) < limit * np.sqrt(cumulants[1] / N)
    variance = np.mean((drawn - cumulants[0]) ** 2)
    assert abs(variance - cumulants[1]) < limit * np.sqrt(spread / N)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (2.0, 30.0), (300.0, 9000.0)])
def test_tails_hold_what_they_should(dtype: str, a: float, b: float) -> None:
    n, tail = 1_000_000, 1e-4
    drawn = draw(dtype, a, b, n, key=2028).astype(float)
    distribution = stats.beta(a, b)
    for count in (
        np.count_nonzero(drawn < distribution.ppf(tail)),
        np.count_nonzero(drawn > distribution.isf(tail)),
    ):
        assert stats.binomtest(int(count), n, tail).pvalue > ALPHA


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 0.7), (2.0, 30.0)])
def test_second_attempts_are_distributed_alike(dtype: str, a: float, b: float) -> None:
    n = 400_000
    shapes = np.full(n, a, dtype), np.full(n, b, dtype)
    drawn = betadist.sample(*shapes, 2029)
    retried = drawn != _core.sample_with(_core.kernels()[-1], *shapes, 2029, max_attempts=1)
    assert np.count_nonzero(retried) > 5000
    assert kolmogorov_smirnov(drawn[retried], float(a), float(b)) > ALPHA
    assert kolmogorov_smirnov(drawn[~retried], float(a), float(b)) > ALPHA


def assert_independent(x: NDArray, y: NDArray, a: float, b: float) -> None:
    """Chi-square of the 16 x 16 table of two columns of draws from Beta(a, b)."""
    edges = stats.beta(a, b).ppf(np.arange(1, 16) / 16)
    cells = np.searchsorted(edges, x.astype(float)) * 16 + np.searchsorted(edges, y.astype(float))
    assert stats.chisquare(np.bincount(cells, minlength=256)).pvalue > ALPHA


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bit", [0, 1, 31, 32, 63])
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 0.7)])
def test_lanes_and_keys_one_bit_apart_are_independent(
    dtype: str, bit: int, a: float, b: float
) -> None:
    shapes = np.full(N, a, dtype), np.full(N, b, dtype)
    lanes = np.random.default_rng(41).integers(0, 2**64, N, dtype=np.uint64)
    drawn = betadist.sample(*shapes, 2030, lanes)
    near = betadist.sample(*shapes, 2030, lanes ^ np.uint64(1 << bit))
    assert_independent(drawn, near, a, b)
    assert_independent(drawn, betadist.sample(*shapes, 2030 ^ (1 << bit), lanes), a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_neighbours_in_a_batch_are_independent(dtype: str) -> None:
    drawn = draw(dtype, 2.0, 3.0, 2 * N, key=2031)
    for distance in (1, 2, 8, 256):
        pairs = drawn[: -distance or None].reshape(-1)[:N], drawn[distance:][:N]
        assert_independent(pairs[0], pairs[1], 2.0, 3.0)


def proposals(rng: np.random.Generator, shape: float, third: float) -> tuple[NDArray, NDArray]:
    """Marsaglia and Tsang's proposals and the logarithm of their acceptance."""
    d = shape - third
    z = rng.normal(size=5 * N)
    t = z / (3 * np.sqrt(d))
    v = np.maximum(1 + t, 1e-100) ** 3
    return d * v, np.where(t > -1, z**2 / 2 + d - d * v + d * np.log(v), -np.inf)


def flawed(mutation: str, a: float, b: float) -> NDArray:
    """Draws of the algorithm with one mistake in it."""
    rng = np.random.default_rng(42)
    third = 0.3 if mutation == "1/3 is 0.3" else 1 / 3
    first, accept_first = proposals(rng, a, third)
    second, accept_second = proposals(rng, b, third)
    log_u = -rng.exponential(size=5 * N)
    if mutation == "acceptance uses the first normal's bits":
        log_u = np.log(stats.rankdata(first) / (5 * N + 1))
    accepted = log_u < accept_first + accept_second
    if mutation == "acceptance of the first only":
        accepted = log_u < accept_first
    if mutation == "acceptance dropped":
        accepted = np.isfinite(accept_first + accept_second)
    return (first / (first + second))[accepted]


@pytest.mark.parametrize(
    "mutation",
    [
        "1/3 is 0.3",
        "acceptance uses the first normal's bits",
        "acceptance of the first only",
        "acceptance dropped",
    ],
)
def test_the_fit_notices_a_flawed_kernel(mutation: str) -> None:
    fits = [kolmogorov_smirnov(flawed(mutation, 1, b), 1, b) for b in (1, 8)]
    assert min(fits) < ALPHA


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 8), (2, 30)])
def test_the_fit_passes_the_algorithm_itself(a: float, b: float) -> None:
    assert kolmogorov_smirnov(flawed("none", a, b), a, b) > ALPHA
