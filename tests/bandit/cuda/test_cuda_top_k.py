"""The best draws of the kernels in the simulator: a stable sort of all."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bandit.arms import Arms, Eligible
from bandit.sampler_cuda import CudaSampler
from tests.bandit.cuda.device_columns import arms_of, best

SOME = Eligible(include=3, exclude=4, without=np.arange(0, 300, 3))
ELIGIBLE = {
    "all": Eligible(),
    "included": Eligible(include=2),
    "excluded": Eligible(exclude=1),
    "without": Eligible(without=np.array([0, 1, 31, 32, 64, 299])),
    "some": SOME,
    "none": Eligible(without=np.arange(300)),
}


def check(sampler: CudaSampler, arms: Arms, eligible: Eligible, key: int, k: int) -> None:
    positions, draws = sampler.top_k(arms, eligible, key, k)
    expected_positions, expected_draws = best(arms, eligible, key, k)
    assert positions.dtype == np.int64
    assert positions.tolist() == expected_positions.tolist()
    assert draws.tobytes() == expected_draws.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("which", ELIGIBLE)
def test_filters(simulated: CudaSampler, which: str, dtype: str) -> None:
    check(simulated, arms_of("counts", dtype, 300), ELIGIBLE[which], 77, 7)


@pytest.mark.parametrize("kind", ["alike", "below 1", "near 1"])
def test_ties_go_by_position(simulated: CudaSampler, kind: str) -> None:
    check(simulated, arms_of(kind, "float32", 200), Eligible(), 5, 11)


@pytest.mark.parametrize("k", [0, 1, 16, 17, 250, 300, 1000])
def test_any_k(simulated: CudaSampler, k: int) -> None:
    check(simulated, arms_of("counts", "float32", 300), ELIGIBLE["excluded"], 3, k)


def test_ties_above_the_greatest_k_of_a_block(simulated: CudaSampler) -> None:
    check(simulated, arms_of("alike", "float64", 310), SOME, 3, 40)


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33])
def test_any_number_of_arms(simulated: CudaSampler, n: int) -> None:
    check(simulated, arms_of("counts", "float32", n), Eligible(), 8, 3)


def test_arms_without_tags(simulated: CudaSampler) -> None:
    tagged = arms_of("counts", "float32", 60)
    arms = Arms(tagged.alpha, tagged.beta, tagged.lanes)
    check(simulated, arms, Eligible(), 1, 4)
    assert simulated.top_k(arms, Eligible(include=1), 1, 4)[0].tolist() == []
    positions, _ = simulated.top_k(arms, Eligible(exclude=1, without=np.array([3])), 1, 60)
    assert sorted(positions.tolist()) == [i for i in range(60) if i != 3]


def test_requests_of_many_threads_are_answered_each_by_its_own(simulated: CudaSampler) -> None:
    tables = [arms_of("counts", "float32", 90), arms_of("near 1", "float64", 70)]
    asked = [(tables[i % 3 == 0], list(ELIGIBLE.values())[i % 3], i, 1 + i) for i in range(12)]
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(check, simulated, *one) for one in asked]:
            done.result()


def test_fast_ranks_almost_the_same(simulated: CudaSampler) -> None:
    arms = arms_of("counts", "float32", 300)
    positions, draws = simulated.top_k_fast(arms, SOME, 4, 5)
    expected_positions, expected_draws = best(arms, SOME, 4, 5)
    assert positions.tolist() == expected_positions.tolist()
    assert np.allclose(draws, expected_draws, rtol=1e-3)
