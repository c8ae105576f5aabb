"""Draws of the kernels in the simulator: the very bits of `betadist`."""

import numpy as np
import pytest

import betadist
from bandit.sampler_cuda import CudaSampler
from betadist import golden
from tests.bandit.cuda.device_columns import KINDS, columns


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pinned_draws(simulated: CudaSampler, dtype: str) -> None:
    pinned = [g for g in golden.DRAWS if g.dtype == dtype]
    drawn = simulated.sample(
        np.array([g.alpha for g in pinned], dtype),
        np.array([g.beta for g in pinned], dtype),
        golden.KEY,
        np.array([g.lane for g in pinned], np.uint64),
    )
    wrong = [g for g, x in zip(pinned, drawn, strict=True) if float(x) != float.fromhex(g.draw)]
    assert wrong == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_draws_of_all_shapes(simulated: CudaSampler, kind: str, dtype: str) -> None:
    alpha, beta, lanes = columns(kind, dtype, 75)
    drawn = simulated.sample(alpha, beta, 2**64 - 3, lanes)
    assert drawn.dtype == alpha.dtype
    assert drawn.tobytes() == betadist.sample(alpha, beta, 2**64 - 3, lanes).tobytes()


@pytest.mark.parametrize("n", [0, 1, 32, 33])
def test_draws_of_any_number(simulated: CudaSampler, n: int) -> None:
    alpha, beta, lanes = columns("near 1", "float32", n)
    drawn = simulated.sample(alpha, beta, 1, lanes)
    assert drawn.tobytes() == betadist.sample(alpha, beta, 1, lanes).tobytes()


@pytest.mark.parametrize("shape", [0.0, -1.0, np.nan, np.inf])
def test_an_unfit_shape_is_refused_as_on_the_processor(
    simulated: CudaSampler, shape: float
) -> None:
    alpha, beta, lanes = columns("counts", "float32", 40)
    beta[37] = shape
    with pytest.raises(ValueError, match=r"beta\[37\] is"):
        simulated.sample(alpha, beta, 1, lanes)


def test_columns_of_unequal_length_are_refused(simulated: CudaSampler) -> None:
    alpha, beta, lanes = columns("counts", "float32", 40)
    with pytest.raises(ValueError, match="beta"):
        simulated.sample(alpha, beta[:39], 1, lanes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fast_draws_are_the_exact_ones_but_for_rounding(simulated: CudaSampler, dtype: str) -> None:
    alpha, beta, lanes = columns("counts", dtype, 64)
    drawn = simulated.sample_fast(alpha, beta, 9, lanes)
    assert np.allclose(drawn, betadist.sample(alpha, beta, 9, lanes), rtol=1e-3)
