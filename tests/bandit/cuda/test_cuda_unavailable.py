"""Without a device, or with one that fails, there is one kind of error, which says why."""

import os
import subprocess
import sys

import numpy as np
import pytest

from bandit.arms import Arms, Eligible
from bandit.sampler_cuda import CudaSampler, GpuUnavailable
from tests.bandit.cuda.device_columns import arms_of

WHY = """
import sys
{before}
from bandit.sampler_cuda import CudaSampler, GpuUnavailable
try:
    CudaSampler()
except GpuUnavailable as error:
    print(error)
"""


def why(before: str = "", **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    return subprocess.run(
        [sys.executable, "-c", WHY.format(before=before)],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    ).stdout


def test_without_numba() -> None:
    assert "extra gpu is not installed" in why("sys.modules['numba'] = None")


def test_without_a_device() -> None:
    pytest.importorskip("numba_cuda")
    assert "no CUDA device can be used: " in why(CUDA_VISIBLE_DEVICES="")


def test_the_simulator_is_no_device() -> None:
    pytest.importorskip("numba_cuda")
    assert "simulator is on" in why(NUMBA_ENABLE_CUDASIM="1")


def test_nothing_imports_numba_before_a_device_is_wanted() -> None:
    check = "import sys, bandit, bandit.sampler_cuda, service.app; print('numba' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=100
    )
    assert run.stdout == "False\n"


def test_arms_that_do_not_fit_leave_the_device_usable(simulated: CudaSampler) -> None:
    endless = np.broadcast_to(np.float32(2), 1 << 50)
    lanes = np.broadcast_to(np.uint64(2), 1 << 50)
    with pytest.raises(GpuUnavailable, match="could not be copied") as caught:
        simulated.top_k(Arms(endless, endless, lanes), Eligible(), 1, 3)
    assert not caught.value.lasting
    arms = arms_of("counts", "float32", 40)
    assert len(simulated.top_k(arms, Eligible(), 1, 3)[0]) == 3
