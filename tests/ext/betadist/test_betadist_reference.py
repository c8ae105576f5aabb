"""The kernel against the table of random bits and the algorithm, written once more in plain Python.

Only the mathematics is shared: the reference uses libm, exact integers and a Taylor series.
"""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

import betadist
from betadist import _core

MASK = 0xFFFFFFFF
PROPOSAL, SMALL, REFINE = 0, 1, 2


def philox(counter: tuple[int, int, int, int], key: int) -> tuple[int, int, int, int]:
    c0, c1, c2, c3 = counter
    k0, k1 = key & MASK, key >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def block(lane: int, key: int, attempt: int, purpose: int) -> tuple[int, int, int, int]:
    return philox((lane & MASK, lane >> 32, 0, attempt << 8 | purpose), key)


def normals(w: tuple[int, int, int, int], double: bool) -> list[float]:
    if double:
        u, angle, bits = ((w[0] << 21 | w[1] >> 11) + 1) / 2**53, w[2] << 21 | w[3] >> 11, 51
    else:
        u, angle, bits = (w[0] + 0.5) / 2**32, w[2], 30
    angle &= (1 << bits) - 1
    if angle >> (bits - 1):
        angle -= 1 << bits
    turned = (angle + 0.5) / 2**bits * math.pi / 2
    radius = math.copysign(math.sqrt(-2 * math.log(u)), 0.5 - (w[2] >> 31))
    pair = [radius * math.cos(turned), radius * math.sin(turned)]
    return pair[::-1] if w[2] >> 30 & 1 else pair


def acceptance(
    w: tuple[int, int, int, int], lane: int, key: int, attempt: int, double: bool
) -> float:
    leading = (w[1] & 0x7FF) << 11 | w[3] & 0x7FF
    if double:
        return ((leading << 32 | block(lane, key, attempt, REFINE)[0]) + 0.5) / 2**54
    return ((leading << 21 | w[1] >> 11) + 0.5) / 2**43


def log_acceptance(d: float, t: float) -> float:
    if abs(t) < 0.05:
        return -3 * d * sum((-1) ** k * t ** (k + 4) / (k + 4) for k in range(14))
    return 3 * d * (math.log1p(t) - t + t * t / 2 - t**3 / 3)


def gammas(shapes: tuple[float, float], lane: int, key: int, double: bool) -> list[float]:
    d = [s + 2 / 3 if s < 1 else s - 1 / 3 for s in shapes]
    for attempt in range(64):
        w = block(lane, key, attempt, PROPOSAL)
        t = [z / (3 * math.sqrt(di)) for z, di in zip(normals(w, double), d, strict=True)]
        if min(t) <= -1:
            continue
        bound = sum(log_acceptance(*pair) for pair in zip(d, t, strict=True))
        if math.log(acceptance(w, lane, key, attempt, double)) < bound:
            return [math.log(di) + 3 * math.log1p(ti) for di, ti in zip(d, t, strict=True)]
    raise AssertionError("64 rejections")


def boost(shapes: tuple[float, float], lane: int, key: int) -> tuple[int, float]:
    w = block(lane, key, 0, SMALL)
    v = w[0] << 32 | w[1]
    if v >> 63:
        exponential = -math.log1p(-(2**64 - 1 - v + 0.5) / 2**64)
    else:
        exponential = -math.log((v + 0.5) / 2**64)
    side = ((w[2] << 32 | w[3]) + 0.5) / 2**64
    alpha_raised = shapes[1] < 1 and side < shapes[0] / (shapes[0] + shapes[1])
    boosted = 0 if shapes[0] < 1 and not alpha_raised else 1
    return boosted, -exponential / shapes[boosted]


def reference(shapes: tuple[float, float], key: int, lane: int, double: bool) -> float:
    logs = gammas(shapes, lane, key, double)
    if min(shapes) < 1:
        boosted, by = boost(shapes, lane, key)
        logs[boosted] += by
    odds = logs[1] - logs[0]
    return 1 / (1 + math.exp(odds)) if odds < 0 else math.exp(-odds) / (1 + math.exp(-odds))


def shapes_of(case: str, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    if case == "wide":
        return np.exp(rng.uniform(-5, 14, n)), np.exp(rng.uniform(-5, 14, n))
    low, high = {"around 1": (0.2, 3.0), "both small": (0.01, 1.0)}[case]
    return rng.uniform(low, high, n), rng.uniform(low, high, n)


# Rounding of the boost's exponent, at most 87 above float32's underflow, is what is left.
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-13)])
@pytest.mark.parametrize("case", ["wide", "around 1", "both small"])
def test_draws_are_those_of_the_reference(case: str, dtype: str, tolerance: float) -> None:
    rng = np.random.default_rng(20240601)
    alpha, beta = (shapes.astype(dtype) for shapes in shapes_of(case, rng, 1500))
    lanes = rng.integers(0, 2**64, 1500, dtype=np.uint64)
    key = 0xFEDCBA9876543210
    drawn = betadist.sample(alpha, beta, key, lanes).astype(float)
    rows = zip(alpha.tolist(), beta.tolist(), lanes.tolist(), strict=True)
    expected = np.array([reference((a, b), key, lane, dtype == "float64") for a, b, lane in rows])
    least = float(np.finfo(dtype).tiny)
    np.testing.assert_allclose(drawn, expected, rtol=tolerance, atol=least)


# Of such shapes few draws are neither 0 nor 1: those whose exponential is nearly 0, to all digits.
@pytest.mark.parametrize(
    ("dtype", "small", "tolerance"), [("float32", 1e-4, 2e-5), ("float64", 1e-6, 1e-12)]
)
def test_rare_draws_of_tiny_shapes_are_those_of_the_reference(
    dtype: str, small: float, tolerance: float
) -> None:
    n, key = 300_000, 0x0F0F0F0F0F0F0F0F
    alpha, beta = np.full(n, small, dtype), np.ones(n, dtype)
    drawn = betadist.sample(alpha, beta, key)
    inside = np.flatnonzero(drawn >= np.finfo(dtype).tiny)
    assert len(inside) > 100
    shapes, double = (float(alpha[0]), 1.0), dtype == "float64"
    expected = [reference(shapes, key, lane, double) for lane in inside.tolist()]
    np.testing.assert_allclose(drawn[inside].astype(float), expected, rtol=tolerance)


def test_float32_draws_are_float64_draws_rounded() -> None:
    rng = np.random.default_rng(20240602)
    alpha, beta = (rng.uniform(0.3, 300, 20_000).astype(np.float32) for _ in range(2))
    narrow = betadist.sample(alpha, beta, 99)
    wide = betadist.sample(alpha.astype(np.float64), beta.astype(np.float64), 99)
    np.testing.assert_allclose(narrow, wide, rtol=1e-5)


KEY = 0xFEDCBA9876543210


def accepted_at_once(shapes: NDArray, lanes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether the first proposals for equal shapes are; a draw out of attempts is 1/2."""
    return _core.sample_with("scalar", shapes, shapes, KEY, lanes, max_attempts=1) != 0.5


def least_accepted(lanes: NDArray[np.uint64], dtype: str) -> NDArray:
    """The least shapes from 1 to 1e6 at which each lane's first proposal is accepted."""
    bits = np.dtype(f"u{np.dtype(dtype).itemsize}")
    low, high = (np.full(len(lanes), shape, dtype).view(bits) for shape in (1.0, 1e6))
    while np.any(high - low > 1):
        middle = low + (high - low) // 2
        accepted = accepted_at_once(middle.view(dtype), lanes)
        low, high = np.where(accepted, low, middle), np.where(accepted, middle, high)
    return high.view(dtype)


def told_by_shape(shape: float, lane: int, double: bool) -> float:
    """The acceptance uniform of a lane accepted from this shape on."""
    d = shape - 1 / 3
    pair = normals(block(lane, KEY, 0, PROPOSAL), double)
    return math.exp(sum(log_acceptance(d, z / (3 * math.sqrt(d))) for z in pair))


# Draws can't show the trailing bits of the acceptance uniform, but the shape at which a lane turns
# from rejected to accepted does. float32 shows them where the uniform is small: its leading 22 bits
# alone would be off by up to 2^-22.
@pytest.mark.parametrize(
    ("dtype", "lanes", "most", "tolerance"),
    [("float64", 20_000, 1.0, 1e-13), ("float32", 8_000_000, 2.0**-11, 2.0**-24)],
)
def test_all_bits_of_the_uniform_decide_acceptance(
    dtype: str, lanes: int, most: float, tolerance: float
) -> None:
    double = dtype == "float64"
    every = np.arange(lanes, dtype=np.uint64)
    rejected = every[~accepted_at_once(np.ones(lanes, dtype), every)]
    uniform = acceptance(block(rejected, KEY, 0, PROPOSAL), rejected, KEY, 0, double)
    chosen, uniform = rejected[uniform < most], uniform[uniform < most]
    rows = zip(least_accepted(chosen, dtype).tolist(), chosen.tolist(), strict=True)
    told = [told_by_shape(shape, lane, double) for shape, lane in rows]
    assert len(chosen) > 30
    assert np.abs(told - uniform).max() < tolerance
