"""Arguments of any kind are refused with a TypeError or ValueError, or drawn from as they say."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import betadist
from betadist import _core

FORMS = (
    "plain",
    "strided",
    "reversed",
    "swapped",
    "unaligned",
    "2-d",
    "0-d",
    "object",
    "integer",
    "half",
    "longdouble",
    "read-only",
    "list",
    "none",
    "subclass",
    "masked",
)
REFUSED = {
    "swapped", "2-d", "0-d", "object", "integer", "half", "longdouble", "list", "none",
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def four_threads() -> Iterator[None]:
    before = _core.limit_threads(4)
    yield
    _core.limit_threads(before)


class Column(np.ndarray):
    """A subclass with nothing of its own."""


def unaligned(values: NDArray) -> NDArray:
    raw = np.zeros(values.nbytes + 1, np.uint8)
    moved = raw[1:].view(values.dtype)
    moved[:] = values
    return moved


def read_only(values: NDArray) -> NDArray:
    fixed = values.copy()
    fixed.flags.writeable = False
    return fixed


def formed(values: NDArray, form: str) -> object:
    """The same values in another form of array."""
    forms = {
        "plain": lambda: values.copy(),
        "strided": lambda: np.repeat(values, 3)[::3],
        "reversed": lambda: values[::-1].copy()[::-1],
        "swapped": lambda: values.astype(values.dtype.newbyteorder()),
        "unaligned": lambda: unaligned(values),
        "2-d": lambda: values.reshape(1, -1),
        "0-d": lambda: np.array(1, values.dtype),
        "object": lambda: values.astype(object),
        "integer": lambda: np.ones(len(values), np.int16),
        "half": lambda: np.ones(len(values), np.float16),
        "longdouble": lambda: values.astype(np.longdouble),
        "read-only": lambda: read_only(values),
        "list": lambda: values.tolist(),
        "none": lambda: None,
        "subclass": lambda: values.view(Column),
        "masked": lambda: np.ma.MaskedArray(values),
    }
    return forms[form]()


def columns(dtype: str, n: int, seed: int) -> tuple[NDArray, NDArray, NDArray[np.uint64]]:
    rng = np.random.default_rng(seed)
    alpha, beta = (10.0 ** rng.uniform(-3, 6, (2, n))).astype(dtype)
    return alpha, beta, rng.integers(0, 2**64, n, dtype=np.uint64)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(
    dtype=st.sampled_from(["float32", "float64"]),
    n=st.sampled_from([0, 1, 2, 7, 300]),
    forms=st.tuples(*[st.sampled_from(FORMS)] * 3),
    key=st.integers(0, 2**64 - 1),
    k=st.one_of(st.integers(0, 400), st.just(2**80)),
    threads=st.sampled_from([1, 2, 2**70]),
)
def test_forms_of_arrays(
    dtype: str, n: int, forms: tuple[str, str, str], key: int, k: int, threads: int
) -> None:
    alpha, beta, lanes = columns(dtype, n, 3)
    given = [formed(values, form) for values, form in zip((alpha, beta, lanes), forms, strict=True)]
    if REFUSED.intersection(forms[:2]) or forms[2] in REFUSED - {"none"}:
        for draw in (betadist.sample, lambda *a: betadist.sample_top_k(a[0], a[1], a[2], k, a[3])):
            with pytest.raises((TypeError, ValueError), match="must"):
                draw(given[0], given[1], key, given[2])
        return
    expected = betadist.sample(alpha, beta, key, None if forms[2] == "none" else lanes)
    drawn = betadist.sample(given[0], given[1], key, given[2], threads=threads)
    assert type(drawn) is np.ndarray
    assert drawn.tobytes() == expected.tobytes()
    indices, values = betadist.sample_top_k(given[0], given[1], key, k, given[2], threads=threads)
    assert len(indices) == min(k, n)
    assert values.tobytes() == np.sort(expected)[::-1][:k].tobytes()


@settings(max_examples=500, deadline=None, derandomize=True)
@given(
    dtype=st.sampled_from(["float32", "float64"]),
    n=st.sampled_from([1, 5, 300, 40_000]),
    offsets=st.tuples(*[st.integers(-6, 6)] * 2),
    threads=st.sampled_from([1, 3]),
)
def test_out_may_overlap_the_shapes(
    dtype: str, n: int, offsets: tuple[int, int], threads: int
) -> None:
    alpha, beta, lanes = columns(dtype, n, 4)
    expected = betadist.sample(alpha, beta, 1, lanes).tobytes()
    memory = np.zeros(2 * n + 24, dtype)
    at_alpha, at_beta, at_out = 6, 6 + n, 6 + n * (offsets[0] > 0) + offsets[1]
    memory[at_alpha : at_alpha + n], memory[at_beta : at_beta + n] = alpha, beta
    out = memory[at_out : at_out + n]
    drawn = betadist.sample(
        memory[at_alpha : at_alpha + n],
        memory[at_beta : at_beta + n],
        1,
        lanes,
        out=out,
        threads=threads,
    )
    assert drawn is out
    assert out.tobytes() == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_out_may_overlap_the_lanes(dtype: str) -> None:
    alpha, beta, lanes = columns(dtype, 1000, 5)
    expected = betadist.sample(alpha, beta, 1, lanes).tobytes()
    out = lanes.view(dtype)[:1000]
    assert betadist.sample(alpha, beta, 1, lanes, out=out).tobytes() == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_calls_of_any_bits(dtype: str) -> None:
    seed = 20_000
    choose = random.Random(seed)
    bits = 8 * np.dtype(dtype).itemsize
    drawn = refused = 0
    for _ in range(20_000):
        n = choose.randrange(1, 4)
        words = [[choose.getrandbits(bits) >> choose.randrange(2) for _ in range(n)] for _ in "ab"]
        alpha, beta = np.array(words, f"u{bits // 8}").view(dtype)
        try:
            out = betadist.sample(
                alpha, beta, choose.getrandbits(64), threads=choose.randrange(1, 9)
            )
        except ValueError:
            refused += 1
            fit = [np.isfinite(x) and x > 0 for column in (alpha, beta) for x in column.tolist()]
            assert not all(fit), f"seed {seed}"
        else:
            drawn += 1
            assert np.all((out >= 0) & (out <= 1)), f"seed {seed}"
    assert drawn > 1000
    assert refused > 1000
