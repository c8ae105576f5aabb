"""The draws' distribution: fits, moments, independence, and proof that the tests would notice.

Seeds are fixed, thresholds are those of goodness.py: were keys drawn anew, one run in a million
would raise a false alarm. `make test-statistics` makes the same checks with 1e8 draws.
"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

import betadist
from betadist import _core
from tests.ext.betadist.cells import Pair, below
from tests.ext.betadist.goodness import ALPHA, BLOCK, Source, fit, sampler
from tests.ext.betadist.grid import PAIRS
from tests.ext.betadist.independence import COMPARISONS, Comparison, independent
from tests.ext.betadist.suite import common, report

N = 100_000
DTYPES = ("float32", "float64")

BALANCED = [(0.1, 0.1), (0.5, 0.5), (0.9, 0.2), (0.3, 2.0), (1.0, 1.0), (1.0, 40.0), (2.0, 30.0)]
BALANCED += [(3.0, 1.5), (10.0, 10.0), (300.0, 9000.0), (1000.0, 1.0), (1e5, 3e5)]
TINY = [(1e-3, 1e-3), (1e-3, 1.0), (1.0, 1e-3), (1e-3, 1e3), (0.01, 0.02), (5.0, 0.05), (1e-6, 0.5)]
LARGE = [(1e6, 1e6), (1e9, 1e9), (1e9, 3e7), (1e9, 1.0), (2.0, 1e9), (1e9, 1e-3), (0.5, 1e9)]

FITS = [(dtype, *shapes) for dtype in DTYPES for shapes in BALANCED + TINY]
FITS += [("float64", *shapes) for shapes in LARGE] + [("float32", 1e6, 1e6), ("float32", 2.0, 1e9)]


def draw(dtype: str, a: float, b: float, n: int = N, key: int = 2024) -> NDArray:
    return betadist.sample(np.full(n, a, dtype), np.full(n, b, dtype), key)


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


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(map(str, pair)))
def test_cells_tails_and_moments(pair: Pair) -> None:
    result = fit(pair, 500_000, sampler(pair, 2025))
    assert result.passes, result.checks


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 0.7), (2.0, 30.0)])
def test_second_attempts_are_distributed_alike(dtype: str, a: float, b: float) -> None:
    n = 400_000
    shapes = np.full(n, a, dtype), np.full(n, b, dtype)
    drawn = betadist.sample(*shapes, 2029)
    retried = drawn != _core.sample_with("scalar", *shapes, 2029, max_attempts=1)
    assert np.count_nonzero(retried) > 5000
    assert kolmogorov_smirnov(drawn[retried], float(a), float(b)) > ALPHA
    assert kolmogorov_smirnov(drawn[~retried], float(a), float(b)) > ALPHA


@pytest.mark.parametrize(
    "comparison", COMPARISONS, ids=lambda c: f"{c.relation} {c.by} {'-'.join(map(str, c.pair))}"
)
def test_lanes_keys_and_attempts_are_independent(comparison: Comparison) -> None:
    result = independent(comparison, BLOCK, 2026)
    assert result.passes, result.checks


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


PLAIN = Pair("float64", 2.0, 30.0)
WHOLE = 1 << 20


def shifted(drawn: NDArray) -> NDArray:
    """By 9 standard errors of the mean."""
    return drawn + 9 / np.sqrt(WHOLE) * np.sqrt(2 * 30 / (32**2 * 33))


def spread(drawn: NDArray) -> NDArray:
    """By a hundredth around the mean."""
    return 1 / 16 + (drawn - 1 / 16) * 1.01


def strayed(drawn: NDArray) -> NDArray:
    """One draw in 20,000 is far out."""
    drawn[::20_000] = 0.9
    return drawn


def combed(drawn: NDArray) -> NDArray:
    """On a grid of a thousandth of the mean: nothing else moves."""
    return np.round(drawn * 16000) / 16000


def mixed(drawn: NDArray) -> NDArray:
    """A hundredth of the draws are uniform on the half of the distribution around the mean."""
    drawn[::100] = np.linspace(0.034, 0.083, len(drawn[::100]))
    return drawn


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        (shifted, "mean"),
        (spread, "variance"),
        (strayed, "tails"),
        (combed, "chi-square"),
        (mixed, "KS"),
    ],
)
def test_the_checks_notice_faults(fault: Callable[[NDArray], NDArray], noticed: str) -> None:
    source = sampler(PLAIN, 2027)
    assert fit(PLAIN, WHOLE, source).passes
    result = fit(PLAIN, WHOLE, lambda number, n: fault(source(number, n)))
    assert not result.passes
    assert result.checks[noticed].p < ALPHA


def test_all_rows_together_notice_what_no_row_does() -> None:
    def source(pair: Pair) -> Source:
        draws, spread = sampler(pair, 2028), stats.beta(*pair[1:]).std()
        return lambda number, n: draws(number, n) + spread * 2 / np.sqrt(BLOCK)

    results = [fit(pair, BLOCK, source(pair)) for pair in PAIRS if min(pair[1:]) >= 2]
    assert all(result.passes for result in results)
    assert [r.passes for r in common(results)] == [False, True]


def test_the_table_tells_what_failed() -> None:
    source = sampler(PLAIN, 2029)
    fits = [
        fit(PLAIN, WHOLE, source),
        fit(PLAIN, WHOLE, lambda number, n: shifted(source(number, n))),
    ]
    table = report(WHOLE, fits, [], [independent(COMPARISONS[0], BLOCK, 2030)])
    assert "1 of 3 rows fail" in table
    lines = [line for line in table.splitlines() if line.startswith("| float64")]
    assert [line.split()[-2] for line in lines] == ["passes", "FAILS"]
