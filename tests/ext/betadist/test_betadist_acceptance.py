"""Logarithm, exponential, sine and the acceptance function against mpmath at 60 digits."""

import re
from collections.abc import Callable
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from betadist import _core

HEADER = Path(__file__).parents[3] / "ext" / "betadist" / "coefficients.hpp"
DTYPES = ("float32", "float64")


@pytest.fixture(autouse=True)
def _digits() -> None:
    mp.mp.dps = 60


def log_tail(y: mp.mpf) -> mp.mpf:
    s = mp.sqrt(y)
    return (2 * mp.atanh(s) - 2 * s) / s**3 if y > 1e-15 else mp.mpf(2) / 3 + 2 * y / 5


def exp_tail(r: mp.mpf) -> mp.mpf:
    return (mp.exp(r) - 1 - r) / r**2 if abs(r) > 1e-15 else mp.mpf(1) / 2 + r / 6


def remainder(t: mp.mpf) -> mp.mpf:
    """-R4(t) / t^4."""
    if abs(t) < 1e-10:
        return mp.mpf(1) / 4 - t / 5
    return -(mp.log(1 + t) - t + t**2 / 2 - t**3 / 3) / t**4


def sine_over(y: mp.mpf) -> mp.mpf:
    return mp.sin(mp.pi / 2 * mp.sqrt(y)) / mp.sqrt(y) if y > 0 else mp.pi / 2


def cosine_over(y: mp.mpf) -> mp.mpf:
    return (mp.cos(mp.pi / 2 * mp.sqrt(y)) - 1) / y if y > 1e-30 else -(mp.pi**2) / 8


def fits() -> dict[str, tuple[Callable[[mp.mpf], mp.mpf], list[mp.mpf], dict[str, int]]]:
    quarter = mp.mpf(1) / 4
    half_ln2 = mp.log(2) / 2
    return {
        "log": (log_tail, [0, (3 - 2 * mp.sqrt(2)) ** 2], {"float": 3, "double": 7}),
        "exp": (exp_tail, [-half_ln2, half_ln2], {"float": 5, "double": 10}),
        "remainder": (remainder, [-quarter, quarter], {"float": 9, "double": 18}),
        "sin": (sine_over, [0, quarter], {"float": 4, "double": 7}),
        "cos": (cosine_over, [0, quarter], {"float": 4, "double": 7}),
    }


def chebyshev_fit(
    function: Callable[[mp.mpf], mp.mpf], interval: list[mp.mpf], terms: int
) -> list[mp.mpf]:
    """The polynomial through the Chebyshev nodes of the interval, highest power first."""
    middle, half = (interval[1] + interval[0]) / 2, (interval[1] - interval[0]) / 2
    nodes = [middle + half * mp.cos(mp.pi * (k + mp.mpf("0.5")) / terms) for k in range(terms)]
    powers = mp.matrix([[x**n for n in reversed(range(terms))] for x in nodes])
    return list(mp.lu_solve(powers, mp.matrix([function(x) for x in nodes])))


def coefficients(ctype: str, name: str) -> list[float]:
    text = re.search(rf"{ctype} {name}\[\] = {{(.*?)}}", HEADER.read_text(), re.DOTALL)
    assert text is not None
    return [float(number.strip().removesuffix("f")) for number in text[1].split(",")]


@pytest.mark.parametrize("ctype", ["float", "double"])
@pytest.mark.parametrize("name", ["log", "exp", "remainder", "sin", "cos"])
def test_coefficients_are_the_rounded_chebyshev_fits(name: str, ctype: str) -> None:
    function, interval, terms = fits()[name]
    dtype = {"float": np.float32, "double": np.float64}[ctype]
    fitted = [dtype(float(c)) for c in chebyshev_fit(function, interval, terms[ctype])]
    assert [dtype(c) for c in coefficients(ctype, name)] == fitted


def relative_errors(piece: str, x: NDArray, y: NDArray, exact: Callable[..., mp.mpf]) -> NDArray:
    """Errors in units of the type's epsilon."""
    computed = _core.probe(piece, x, y)
    rows = zip(x.tolist(), y.tolist(), computed.tolist(), strict=True)
    errors = [abs(got / exact(mp.mpf(a), mp.mpf(b)) - 1) for a, b, got in rows]
    return np.array(errors, dtype=float) / np.finfo(x.dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
def test_logarithm_within_two_ulp(dtype: str) -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(0, 1, 600), 1 - 2.0 ** rng.uniform(-22, 0, 300)])
    x = np.concatenate([x, 2.0 ** rng.uniform(-65, 3, 600)]).astype(dtype)
    x = x[x != 1]
    assert relative_errors("log", x, x, lambda a, _: mp.log(a)).max() < 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("piece", ["sine", "cosine"])
def test_sine_and_cosine_within_two_ulp(piece: str, dtype: str) -> None:
    x = np.random.default_rng(2).uniform(-0.5, 0.5, 1000).astype(dtype)
    exact = {"sine": mp.sin, "cosine": mp.cos}[piece]
    assert relative_errors(piece, x, x, lambda a, _: exact(a * mp.pi / 2)).max() < 2


@pytest.mark.parametrize(("dtype", "least"), [("float32", -85.0), ("float64", -705.0)])
def test_exponential_within_two_ulp(dtype: str, least: float) -> None:
    y = np.random.default_rng(3).uniform(least, 0, 1000).astype(dtype)
    assert relative_errors("exp", y, np.ones_like(y), lambda a, _: mp.exp(a)).max() < 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_exponential_underflows_gradually(dtype: str) -> None:
    least = np.finfo(dtype).smallest_subnormal
    y = np.array([np.log(least) + 0.1, np.log(least) - 1, -1e4, -np.inf], dtype)
    assert _core.probe("exp", y, np.ones_like(y)).tolist() == [least, 0, 0, 0]


def proposals(rng: np.random.Generator, d: float, dtype: str) -> tuple[NDArray, NDArray]:
    """(d, z) with z over all a Box-Muller normal can be and 1 + t > 0."""
    z = np.concatenate([rng.uniform(-8.6, 8.6, 300), rng.normal(size=300) * 0.01]).astype(dtype)
    z = z[z > -2.99 * np.sqrt(d)]
    return np.full_like(z, d), z


def exact_exponent(d: mp.mpf, z: mp.mpf) -> mp.mpf:
    """Marsaglia and Tsang's own form, z^2/2 + d - dv + d ln v."""
    v = (1 + z / (3 * mp.sqrt(d))) ** 3
    return z**2 / 2 + d - d * v + d * mp.log(v)


# An error of ln h is a relative error of the acceptance h: 200 epsilon of float32 is 2e-5. It is
# largest where the logarithm takes over from the polynomial, |t| = 1/4, times 3 d < 400.
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [2 / 3, 1.0, 1.7, 5.0, 20.0, 130.0, 1e3, 1e6, 1e9, 1e15, 1e30])
def test_exponent_against_the_textbook_form(d: float, dtype: str) -> None:
    mp.mp.dps = 120
    shape, z = proposals(np.random.default_rng(4), d, dtype)
    computed = _core.probe("exponent", shape, z)
    rows = zip(shape.tolist(), z.tolist(), computed.tolist(), strict=True)
    pairs = [(got, exact_exponent(mp.mpf(a), mp.mpf(b))) for a, b, got in rows]
    error = [float(abs(got - exact) / (1 + abs(exact))) for got, exact in pairs]
    assert max(error) < 200 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [200.0, 1e3, 1e6, 1e9, 1e15])
def test_exponent_keeps_its_digits_at_large_shapes(d: float, dtype: str) -> None:
    mp.mp.dps = 120
    shape, z = proposals(np.random.default_rng(5), d, dtype)
    assert relative_errors("exponent", shape, z, exact_exponent).max() < 12


# With R4'(t) = -t^3 / (1 + t): for t >= 0, -3 R4(t) = 3 int s^3/(1+s) <= 3/4 t^4. For t = -u,
# D(u) = 3/4 u^4 + u^5 + 3 R4(-u) has D(0) = 0 and D'(u) = u^4 (2 - 5u) / (1 - u), so it rises until
# u = 2/5 and falls after: positive on (0, u] wherever D(u) > 0. And exp(-x) >= 1 - x.
def test_squeeze_holds_down_to_its_bound() -> None:
    u = mp.mpf("0.45")
    assert 3 * u**4 / 4 + u**5 - 3 * u**4 * remainder(-u) > 0
    for u in mp.linspace(mp.mpf("0.001"), mp.mpf("0.45"), 50):
        slope = mp.diff(lambda v: 3 * v**4 / 4 + v**5 - 3 * v**4 * remainder(-v), u)
        assert mp.almosteq(slope, u**4 * (2 - 5 * u) / (1 - u), rel_eps=1e-20)


@pytest.mark.parametrize("dtype", DTYPES)
def test_squeeze_accepts_nothing_that_the_exponent_rejects(dtype: str) -> None:
    rng = np.random.default_rng(6)
    d = np.exp(rng.uniform(np.log(2 / 3), np.log(1e6), 200_000)).astype(dtype)
    z = rng.normal(size=d.size).astype(dtype) * 2
    inside = 1 + z / (3 * np.sqrt(d)) > 0.55
    d, z = d[inside], z[inside]
    squeeze = _core.probe("squeeze", d, z)
    exponent = _core.probe("exponent", d, z)
    assert np.all(-exponent <= squeeze * (1 + 100 * np.finfo(dtype).eps))
    assert np.mean(-exponent > 0.9 * squeeze) > 0.5  # and it is tight
