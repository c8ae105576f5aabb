"""Arms on the device: copied once, refreshed by what differs, forgotten when nobody holds them."""

import gc

import numpy as np
import pytest

from bandit.arms import Arms, Eligible
from bandit.sampler_cuda import CudaSampler
from tests.bandit.cuda.device_columns import arms_of, best

N = 10_000  # three stretches of 4096


def successor(arms: Arms, rows: list[int]) -> Arms:
    alpha = arms.alpha.copy()
    alpha[rows] += 1
    return Arms(alpha, arms.beta.copy(), arms.lanes.copy(), arms.tags.copy())


@pytest.fixture(params=["float32", "float64"])
def arms(request: pytest.FixtureRequest) -> Arms:
    return arms_of("counts", request.param, N)


def copied_for(sampler: CudaSampler, arms: Arms) -> int:
    before = sampler.rows_copied
    sampler.prepare(arms)
    return sampler.rows_copied - before


def test_arms_are_copied_once(simulated: CudaSampler, arms: Arms) -> None:
    assert [copied_for(simulated, arms) for _ in range(2)] == [N, 0]


@pytest.mark.parametrize(
    ("rows", "copied"),
    [([], 0), ([5], 4096), ([4095, 4096], 8192), ([0, 9999], 4096 + N - 8192)],
)
def test_only_stretches_that_differ_are_copied(
    simulated: CudaSampler, arms: Arms, rows: list[int], copied: int
) -> None:
    simulated.prepare(arms)
    assert copied_for(simulated, successor(arms, rows)) == copied


def test_other_lanes_are_copied_whole(simulated: CudaSampler, arms: Arms) -> None:
    simulated.prepare(arms)
    assert copied_for(simulated, Arms(arms.alpha, arms.beta, arms.lanes + 1)) == N


def test_a_successor_is_refreshed_though_nobody_holds_its_predecessor(
    simulated: CudaSampler, arms: Arms
) -> None:
    simulated.prepare(arms)
    after = successor(arms, [5000])
    columns = (arms.alpha, arms.beta)
    del arms
    gc.collect()
    assert copied_for(simulated, after) == 4096 if columns else None


def test_a_request_keeps_the_arms_it_came_with(simulated: CudaSampler) -> None:
    small = arms_of("counts", "float32", 80)
    simulated.prepare(small)
    after = successor(small, [3, 4, 5])
    wanted = Eligible(include=7)
    simulated.prepare(after)
    for arms in (small, after):
        positions, draws = simulated.top_k(arms, wanted, 6, 9)
        assert positions.tolist() == best(arms, wanted, 6, 9)[0].tolist()
        assert draws.tobytes() == best(arms, wanted, 6, 9)[1].tobytes()


def test_what_changed_are_the_tags(simulated: CudaSampler) -> None:
    before = arms_of("counts", "float32", 80)
    simulated.prepare(before)
    after = Arms(before.alpha, before.beta, before.lanes, before.tags ^ np.uint64(1))
    wanted = Eligible(include=1)
    positions, _ = simulated.top_k(after, wanted, 6, 9)
    assert positions.tolist() == best(after, wanted, 6, 9)[0].tolist()
