"""Launches: shared by requests that wait together, timed, and none after a failure."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bandit.arms import Arms, Eligible
from bandit.crossovers import Crossover, Crossovers
from bandit.dispatch import Dispatch
from bandit.sampler_cuda import CudaSampler, GpuUnavailable
from tests.bandit.cuda.device_columns import arms_of, best


def test_requests_for_the_same_arms_that_wait_together_share_a_launch(watched) -> None:
    sampler, timings = watched
    arms = arms_of("counts", "float32", 150)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda key: sampler.top_k(arms, Eligible(), key, 3), range(24)))
    for key, (positions, _) in enumerate(answers):
        assert positions.tolist() == best(arms, Eligible(), key, 3)[0].tolist()
    assert sum(timing.requests for timing in timings) == 24
    assert len(timings) < 24
    assert {timing.arms for timing in timings} == {150}


def test_a_failed_kernel_is_said_and_nothing_is_tried_after_it(watched) -> None:
    sampler: CudaSampler = watched[0]
    arms = arms_of("counts", "float32", 40)
    torn = Arms(arms.alpha[:20], arms.beta[:20], arms.lanes)
    with pytest.raises(GpuUnavailable, match=r"a launch failed: .*out of bounds") as caught:
        sampler.top_k(torn, Eligible(), 1, 3)
    assert caught.value.lasting
    with pytest.raises(GpuUnavailable, match=r"a launch failed: .*out of bounds"):
        sampler.top_k(arms, Eligible(), 1, 3)


def test_a_device_that_fails_never_reaches_the_caller_of_a_dispatch(watched) -> None:
    sampler: CudaSampler = watched[0]
    always = Crossover(threads=None, gpu=0, aside=1)
    dispatch = Dispatch(crossovers=Crossovers(always, always), gpu=sampler)
    arms = arms_of("counts", "float32", 40)
    torn = Arms(arms.alpha[:20], arms.beta[:20], arms.lanes + 1)
    expected = best(arms, Eligible(), 1, 3)[0].tolist()
    assert dispatch.top_k(arms, Eligible(), 1, 3)[0].tolist() == expected
    with pytest.raises(GpuUnavailable, match="a launch failed"):
        sampler.top_k(torn, Eligible(), 1, 3)
    for _ in range(2):
        assert dispatch.top_k(arms, Eligible(), 1, 3)[0].tolist() == expected
    assert len(watched[1]) == 1
