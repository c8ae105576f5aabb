"""Pieces of the kernels, run as plain Python: the same bits as those of `betadist`."""

import numpy as np
import pytest

pytest.importorskip("numba_cuda")

from bandit.cuda.arithmetic import exact_arithmetic
from bandit.cuda.formats import format_of
from bandit.cuda.functions import functions
from bandit.cuda.gamma import gammas
from bandit.cuda.philox import philox
from bandit.cuda.stream import uniforms
from bandit.cuda.target import SIMULATED
from betadist import _core, golden

pytestmark = pytest.mark.skipif(not SIMULATED, reason="pieces are Python in the simulator only")
RNG = np.random.default_rng(7)


@pytest.mark.parametrize("lane", [0, 1, 2**32 - 1, 2**63 + 17, 2**64 - 1])
@pytest.mark.parametrize("draw", [0, 1, 2 | 63 << 8])
def test_random_blocks(lane: int, draw: int) -> None:
    counter = (lane & 0xFFFFFFFF, lane >> 32, 0, draw)
    made = philox(np.uint64(golden.KEY), np.uint64(lane), np.uint32(draw))
    assert tuple(map(int, made)) == _core.philox(counter, golden.KEY)


def made_of(dtype: str):
    form = format_of(dtype)
    m = exact_arithmetic(form)
    return form, m, functions(form, m)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("piece", ["log", "exp", "sine", "cosine"])
def test_functions_make_the_same_bits(piece: str, dtype: str) -> None:
    _, _, f = made_of(dtype)
    within = {"log": (1e-30, 8), "exp": (-110, 0), "sine": (-0.5, 0.5), "cosine": (-0.5, 0.5)}
    x = RNG.uniform(*within[piece], 500).astype(dtype)
    g = RNG.uniform(0.1, 9, 500).astype(dtype)
    mine = {
        "log": f.log,
        "exp": lambda x: f.times_exp(x_or_one, x),
        "sine": lambda x: f.sin_cos(x)[0],
        "cosine": lambda x: f.sin_cos(x)[1],
    }[piece]
    x_or_one = x.dtype.type(1)
    expected = _core.probe(piece, x, np.ones_like(g) if piece == "exp" else g)
    assert np.array([mine(v) for v in x], dtype).tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fma_rounds_once(dtype: str) -> None:
    _, m, _ = made_of(dtype)
    e = float(np.finfo(dtype).eps)
    assert m.fma(1 + e, 1 - e, -1.0) == -e * e


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lanes_out_of_attempts_take_their_centres(dtype: str) -> None:
    form, m, f = made_of(dtype)
    steps = gammas(form, m, f, uniforms(form, m))
    one, lane = np.ones(1, dtype), np.array([1000], np.uint64)  # undecided by the squeeze
    assert not steps.propose(np.uint64(golden.KEY), lane[0], one[0], one[0])[2]
    never = _core.sample_with("scalar", one, 3 * one, golden.KEY, lane, max_attempts=0)
    assert steps.ratio(steps.centre(one[0]), steps.centre(3 * one[0])) == never[0]
