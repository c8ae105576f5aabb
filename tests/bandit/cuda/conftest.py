"""The kernels under Numba's simulator of a device; on a device itself under `make test-gpu`."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from bandit.sampler_cuda import CudaSampler, GpuUnavailable

# Numba reads this when it is imported, and no other test imports it. Processes that other tests
# start must not see it.
_said = os.environ.get("NUMBA_ENABLE_CUDASIM")
os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")
try:
    from bandit.cuda import target
except (ImportError, RuntimeError) as error:  # RuntimeError: without libcudart
    target, _missing = None, str(error)
if _said is None:
    del os.environ["NUMBA_ENABLE_CUDASIM"]


@pytest.fixture(scope="session")
def simulated() -> Iterator[CudaSampler]:
    """A sampler on the simulator, with small blocks: 4 threads, 32 arms at a time, k up to 16."""
    if target is None:
        pytest.skip(f"numba-cuda can't be imported: {_missing}")
    if not target.SIMULATED:
        pytest.skip("NUMBA_ENABLE_CUDASIM is 0")
    from bandit.cuda.layout import Layout

    # Its threads wait for each other by looking again and again; at 5 ms a look that takes minutes.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    sampler = CudaSampler(simulator=True, layout=Layout(4, 32, 16), patience_s=60)
    yield sampler
    sampler.close()
    sys.setswitchinterval(interval)


@pytest.fixture
def watched(simulated: CudaSampler) -> Iterator[tuple[CudaSampler, list[Any]]]:
    """A sampler of one test, which may break it, and the timings of its launches."""
    assert simulated.rows_copied > 0  # the simulator is set up
    from bandit.cuda.layout import Layout

    timings: list[Any] = []
    layout = Layout(4, 32, 16)
    sampler = CudaSampler((), simulator=True, layout=layout, patience_s=60, observe=timings.append)
    yield sampler, timings
    sampler.close()


@pytest.fixture(scope="session")
def on_device() -> Iterator[CudaSampler]:
    """A sampler on a real device, without which nothing is tested and the run fails."""
    try:
        sampler = CudaSampler(patience_s=60)
    except GpuUnavailable as error:
        pytest.exit(f"nothing was tested: {error}", returncode=1)
    yield sampler
    sampler.close()
