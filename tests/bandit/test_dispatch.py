"""Each call goes to the back end for its size, and no failure of the GPU reaches the caller."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from bandit.arms import Arms, Eligible
from bandit.crossovers import UNMEASURED, Backend, Crossover, Crossovers, Draw, assumed
from bandit.dispatch import Dispatch
from bandit.sampler import CpuSampler

CROSSOVERS = Crossovers(
    top_k=Crossover(threads=100, gpu=1000, aside=500),
    lists=Crossover(threads=200, gpu=2000, aside=5000),
)


@dataclass
class Faulty:
    """A back end that fails while it has an error; else it draws as the CPU does."""

    error: Exception | None = None
    calls: int = 0
    cpu: CpuSampler = field(default_factory=CpuSampler)

    def sample(self, alpha, beta, key, lanes):
        self._call()
        return self.cpu.sample(alpha, beta, key, lanes)

    def top_k(self, arms, eligible, key, k):
        self._call()
        return self.cpu.top_k(arms, eligible, key, k)

    def prepare(self, arms) -> None:
        self._call()

    def _call(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error


@dataclass
class Seen:
    """An observer that keeps what it is told."""

    draws: list[tuple[Backend, int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    recoveries: int = 0

    def drew(self, backend: Backend, arms: int) -> None:
        self.draws.append((backend, arms))

    def failed(self, error: Exception) -> None:
        self.failures.append(error)

    def recovered(self) -> None:
        self.recoveries += 1


def arms_of(size: int) -> Arms:
    alpha, beta = np.random.default_rng(size).uniform(1, 50, (2, size)).astype(np.float32)
    return Arms(alpha, beta, np.arange(size, dtype=np.uint64))


def listed(dispatch: Dispatch, arms: Arms) -> np.ndarray:
    return dispatch.sample(arms.alpha, arms.beta, 7, arms.lanes)


@pytest.mark.parametrize(
    ("arms", "top_k", "lists"),
    [
        (0, Backend.CPU, Backend.CPU),
        (99, Backend.CPU, Backend.CPU),
        (100, Backend.THREADS, Backend.CPU),
        (999, Backend.THREADS, Backend.THREADS),
        (1000, Backend.GPU, Backend.THREADS),
        (10**9, Backend.GPU, Backend.GPU),
    ],
)
def test_the_size_picks_the_back_end(arms: int, top_k: Backend, lists: Backend) -> None:
    dispatch = Dispatch(2, CROSSOVERS, Faulty())
    assert (dispatch.backend(arms), dispatch.backend(arms, Draw.LIST)) == (top_k, lists)


def test_calls_are_made_where_they_are_said_to_be_and_give_the_bits_of_one_thread() -> None:
    seen, gpu = Seen(), Faulty()
    dispatch = Dispatch(2, CROSSOVERS, gpu, seen)
    for size in (10, 150, 40_000):
        arms, eligible = arms_of(size), Eligible(without=np.array([0, 3]))
        np.testing.assert_array_equal(listed(dispatch, arms), listed(CpuSampler(), arms))
        found, right = (s.top_k(arms, eligible, 7, 5) for s in (dispatch, CpuSampler()))
        for own, other in zip(found, right, strict=True):
            np.testing.assert_array_equal(own, other)
        assert seen.draws[-2:] == [
            (dispatch.backend(size, Draw.LIST), size),
            (dispatch.backend(size), size),
        ]
    assert gpu.calls == 2


def test_without_a_gpu_the_cpu_draws_all() -> None:
    dispatch = Dispatch(2, CROSSOVERS)
    assert dispatch.backend(10**9) is Backend.THREADS
    never = Crossover(threads=None, gpu=None, aside=1)
    dispatch.crossovers = Crossovers(never, never)
    assert dispatch.backend(10**9) is Backend.CPU


def test_a_call_is_inline_when_it_is_short_and_waits_for_no_device() -> None:
    dispatch = Dispatch(2, CROSSOVERS, Faulty())
    assert dispatch.inline(499)
    assert not dispatch.inline(500)
    assert dispatch.inline(1999, Draw.LIST)
    assert not dispatch.inline(2000, Draw.LIST)
    dispatch.gpu = None
    assert dispatch.inline(2000, Draw.LIST)


def test_what_is_assumed_needs_no_second_thread_where_there_is_one() -> None:
    assert assumed(2) == UNMEASURED
    assert Dispatch(1).backend(10**9) is Backend.CPU
    assert Dispatch(2).backend(10**9) is Backend.THREADS
    assert not assumed(1).measured


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("device"),
        RuntimeError("kernel fault"),
        ImportError("driver"),
        OSError("gone"),
        AssertionError(),
    ],
)
def test_a_gpu_that_fails_costs_no_call(error: Exception) -> None:
    seen, gpu, arms = Seen(), Faulty(error), arms_of(3000)
    dispatch = Dispatch(1, CROSSOVERS, gpu, seen)
    np.testing.assert_array_equal(listed(dispatch, arms), listed(CpuSampler(), arms))
    assert seen.failures == [error]
    assert seen.draws == [(Backend.THREADS, 3000)]
    listed(dispatch, arms)
    assert gpu.calls == 1
    positions, _ = dispatch.top_k(arms, Eligible(), 7, 3)
    assert positions.tolist() == np.argsort(-listed(CpuSampler(), arms))[:3].tolist()
    assert gpu.calls == 1


def calls_until_asked(dispatch: Dispatch, gpu: Faulty, arms: Arms) -> int:
    before, calls = gpu.calls, 0
    while gpu.calls == before:
        listed(dispatch, arms)
        calls += 1
    return calls


def test_a_gpu_that_failed_is_asked_again_ever_more_rarely_until_it_answers() -> None:
    seen, gpu, arms = Seen(), Faulty(RuntimeError("fault")), arms_of(2000)
    dispatch = Dispatch(1, CROSSOVERS, gpu, seen)
    listed(dispatch, arms)
    assert [calls_until_asked(dispatch, gpu, arms) for _ in range(3)] == [1001, 2001, 4001]
    assert (len(seen.failures), seen.recoveries) == (4, 0)
    gpu.error = None
    assert calls_until_asked(dispatch, gpu, arms) == 8001
    assert calls_until_asked(dispatch, gpu, arms) == 1
    assert (len(seen.failures), seen.recoveries) == (4, 1)
    gpu.error = RuntimeError("again")
    listed(dispatch, arms)
    assert calls_until_asked(dispatch, gpu, arms) == 1001


def test_small_calls_do_not_shorten_the_rest() -> None:
    gpu = Faulty(RuntimeError("fault"))
    dispatch = Dispatch(1, CROSSOVERS, gpu)
    listed(dispatch, arms_of(2000))
    for _ in range(2000):
        listed(dispatch, arms_of(10))
    assert calls_until_asked(dispatch, gpu, arms_of(2000)) == 1001


def test_a_mistake_of_the_caller_is_the_callers_and_not_the_gpus() -> None:
    seen, gpu = Seen(), Faulty()
    dispatch = Dispatch(1, CROSSOVERS, gpu, seen)
    arms = arms_of(2000)
    arms.alpha[17] = -1.0
    for _ in range(2):
        with pytest.raises(ValueError, match=r"alpha\[17\] is -1.0"):
            listed(dispatch, arms)
    assert gpu.calls == 2
    assert seen.failures == []


def test_arms_are_prepared_for_the_gpu_alone_and_its_failure_is_told() -> None:
    gpu, seen = Faulty(), Seen()
    dispatch = Dispatch(2, CROSSOVERS, gpu, seen)
    dispatch.prepare(arms_of(999))
    assert gpu.calls == 0
    dispatch.prepare(arms_of(1000))
    assert (gpu.calls, seen.failures) == (1, [])
    gpu.error = MemoryError("no room")
    dispatch.prepare(arms_of(1000))
    assert seen.failures == [gpu.error]
    dispatch.top_k(arms_of(1000), Eligible(), 7, 3)
    assert (gpu.calls, seen.draws) == (2, [(Backend.THREADS, 1000)])
