"""Crossovers from measured times: found where they are, assumed where nothing can be told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from bandit.crossovers import UNMEASURED, Crossover, Crossovers
from bandit.sampler import CpuSampler
from service.config import SamplerSettings
from service.sampling.calibration import Calibration, calibrate
from service.sampling.gpu import Gpu, find_gpu, prove
from service.sampling.node import of_node
from service.sampling.sampling import Sampling, measured


@dataclass
class Machine:
    """A clock that only draws move."""

    now: float = 0.0

    def clock(self) -> float:
        return self.now


@dataclass
class Timed:
    """A back end that takes as many seconds for a call as a function of the arms says."""

    machine: Machine
    seconds: Callable[[int], float]
    calls: int = 0

    def sample(self, alpha, beta, key, lanes):
        self._pass(len(lanes))
        return alpha

    def top_k(self, arms, eligible, key, k):
        self._pass(len(arms))
        return np.arange(k), arms.alpha[:k]

    def _pass(self, arms: int) -> None:
        self.calls += 1
        self.machine.now += self.seconds(arms)


def fixed_and_each(fixed: float, each: float) -> Callable[[int], float]:
    return lambda arms: fixed + each * arms


def test_each_back_end_pays_from_where_its_times_cross() -> None:
    machine = Machine()
    one = Timed(machine, fixed_and_each(0, 2e-9))
    several = Timed(machine, fixed_and_each(20e-6, 1e-9))
    gpu = Timed(machine, fixed_and_each(100e-6, 1e-11))
    found = calibrate(one, several, gpu, machine.clock)
    expected = Crossover(threads=32_768, gpu=131_072, aside=125_000)
    assert found == Calibration(Crossovers(expected, expected), (), found.seconds)
    assert found.seconds < 0.2
    assert found.lines()[0] == (
        "top_k: CPU threads from 32,768 arms, GPU from 131,072 arms, "
        "beside the event loop from 125,000 arms"
    )


def test_a_back_end_that_never_wins_is_never_used() -> None:
    machine = Machine()
    one = Timed(machine, fixed_and_each(0, 1e-9))
    found = calibrate(one, one, one, machine.clock).crossovers
    never = Crossover(threads=None, gpu=None, aside=250_000)
    assert found == Crossovers(never, never)


def test_one_thread_and_no_gpu_are_measured_in_a_few_calls() -> None:
    machine = Machine()
    one = Timed(machine, fixed_and_each(0, 2.5e-9))
    found = calibrate(one, None, None, machine.clock)
    assert (found.crossovers.top_k, found.notes) == (Crossover(None, None, 100_000), ())
    assert one.calls <= 14


def test_times_that_contradict_each_other_leave_what_is_safe() -> None:
    machine = Machine()
    one = Timed(machine, fixed_and_each(0, 2e-9))
    several = Timed(machine, lambda arms: arms * (1e-9 if arms in (4096, 16_384) else 3e-9))
    found = calibrate(one, several, None, machine.clock)
    assert found.crossovers.top_k.threads == UNMEASURED.top_k.threads
    assert not found.crossovers.measured
    assert found.notes[0] == (
        "cpu_threads for top_k: it is faster with 4,096 arms and not with 8,192; "
        "65,536 arms is assumed"
    )
    assert found.notes[0] in found.lines()


def test_a_machine_that_is_too_slow_to_measure_keeps_to_its_time() -> None:
    machine = Machine()
    one = Timed(machine, fixed_and_each(0, 1e-6))
    found = calibrate(one, one, one, machine.clock)
    assert found.seconds < 0.5
    assert found.crossovers == Crossovers(UNMEASURED.top_k, UNMEASURED.lists, measured=False)
    assert "there was no time to measure it; never is assumed" in found.notes[-2]


@dataclass
class Broken:
    """A GPU that fails from some number of calls on."""

    left: int = 0
    error: Exception = field(default_factory=lambda: MemoryError("no memory on the device"))

    def sample(self, alpha, beta, key, lanes):
        return self._answer(lambda: CpuSampler().sample(alpha, beta, key, lanes))

    def top_k(self, arms, eligible, key, k):
        return self._answer(lambda: CpuSampler().top_k(arms, eligible, key, k))

    def _answer(self, draw):
        self.left -= 1
        if self.left < 0:
            raise self.error
        return draw()


@pytest.mark.parametrize("left", [0, 1, 5])
def test_a_gpu_that_fails_while_it_is_measured_is_not_used(left: int) -> None:
    machine = Machine()
    one = Timed(machine, fixed_and_each(0, 2e-9))
    found = calibrate(one, None, Broken(left), machine.clock)
    assert (found.crossovers.top_k.gpu, found.crossovers.lists.gpu) == (None, None)
    assert "gpu for top_k: MemoryError: no memory on the device; it is not used" in found.notes


def test_real_threads_are_measured_and_the_settings_kept_to() -> None:
    settings = SamplerSettings(gpu="off", threads=2, calibrate=True)
    found = measured(settings, find_gpu("off"))
    assert found.crossovers.top_k.aside >= 1
    assert found.crossovers.top_k.gpu is None
    off = measured(SamplerSettings("off", 1, calibrate=False), find_gpu("off"))
    assert off.notes == ("assumed: sampler.calibrate is false",)
    assert off.crossovers.top_k.threads is None


def test_draws_are_proved_before_they_are_trusted() -> None:
    prove(CpuSampler(2))

    class Wrong(Broken):
        def top_k(self, arms, eligible, key, k):
            best, scores = super().top_k(arms, eligible, key, k)
            return best, np.nextafter(scores, scores.dtype.type(2))

    with pytest.raises(RuntimeError, match="its draws from 1000 arms of float32 differ"):
        prove(Wrong(100))


def test_without_numba_or_driver_the_reason_is_said() -> None:
    assert find_gpu("off") == Gpu(None, "switched off by sampler.gpu")
    found = find_gpu("auto")
    assert found.about
    assert found == find_gpu("on") or found.sampler is not None


@pytest.mark.parametrize("setting", ["auto", "on"])
def test_a_machine_without_a_gpu_is_told_as_far_as_one_is_asked_for(caplog, setting: str) -> None:
    caplog.set_level("INFO", "bandit_serve.sampler")
    gpu = find_gpu(setting)
    Sampling(SamplerSettings(setting, 1, calibrate=False)).prepare()
    ((level, message),) = [(record.levelname, record.message) for record in caplog.records]
    silent = setting == "auto" and not gpu.there
    assert message.partition("; top_k")[0] == ("no GPU" if silent else f"GPU: {gpu.about}")
    assert level == ("WARNING" if setting == "on" and gpu.sampler is None else "INFO")


def test_one_worker_of_a_node_measures(tmp_path: Path) -> None:
    made: list[Calibration] = []
    crossover = Crossover(threads=None, gpu=7, aside=5)

    def measure() -> Calibration:
        made.append(Calibration(Crossovers(crossover, crossover), ("a note",), 0.5))
        return made[-1]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: of_node(tmp_path, "cpu", measure), range(8)))
    assert len(made) == 1
    assert {calibration for calibration, _ in found} == {made[0]}
    assert sum(here for _, here in found) == 1
    assert of_node(tmp_path, "gpu", measure)[1]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"crossovers": 3}'])
def test_a_calibration_that_is_damaged_is_made_again(tmp_path: Path, data: bytes) -> None:
    made = Calibration(UNMEASURED)
    of_node(tmp_path, "cpu", lambda: made)
    (file,) = tmp_path.glob("*.calibration")
    file.write_bytes(data)
    assert of_node(tmp_path, "cpu", lambda: made) == (made, True)


def test_a_folder_that_is_gone_costs_no_calibration(tmp_path: Path) -> None:
    made = Calibration(UNMEASURED)
    assert of_node(tmp_path / "gone", "cpu", lambda: made) == (made, True)
    assert of_node(None, "cpu", lambda: made) == (made, True)


def test_a_failure_is_counted_each_time_and_logged_once(caplog) -> None:
    sampling = Sampling(SamplerSettings("off", 1, calibrate=False))
    caplog.set_level("INFO", "bandit_serve.sampler")
    sampling.prepare()
    assert "GPU: switched off by sampler.gpu; top_k: CPU threads never" in caplog.text
    caplog.clear()
    always = Crossover(threads=None, gpu=0, aside=1)
    sampling.dispatch.crossovers = Crossovers(always, always)
    sampling.dispatch.gpu = gpu = Broken()
    shapes, lanes = np.ones(3, np.float32), np.arange(3, dtype=np.uint64)
    for _ in range(1002):
        sampling.dispatch.sample(shapes, shapes, 1, lanes)
    figures = {(m.name, *dict(m.labels).values()): m.value for m in sampling.measurements()}
    assert figures["gpu_failures",] == 2
    assert figures["draws", "cpu"] == 3 * 1002
    assert caplog.messages == [
        "the GPU failed, the CPU draws in its place: MemoryError: no memory on the device"
    ]
    gpu.left = 10
    for _ in range(2001):
        sampling.dispatch.sample(shapes, shapes, 1, lanes)
    assert caplog.messages[1:] == ["the GPU draws again; it had failed 2 times in a row"]
