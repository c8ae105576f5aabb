"""The GPU of this machine: what draws on it, or why nothing does."""

import ctypes
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.arms import Arms, Eligible
from bandit.sampler import CpuSampler, Sampler

__all__ = ["Gpu", "find_gpu", "prove"]

SWITCHED_OFF = "switched off by sampler.gpu"
DRIVER = "libcuda.so.1"
NAME_BYTES = 256
NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
NUMBA = "numba is not installed: pip install 'bandit-serve[gpu]'"
PROOF_SIZES = (1, 1000, 4096)


@dataclass(frozen=True, slots=True)
class Gpu:
    """What draws, if anything does.

    Attributes
    ----------
    about : str
        The device's name, or why nothing draws on it.
    there : bool
        Whether there is a device, of use or not, as far as anybody knows.
    """

    sampler: Sampler | None
    about: str
    there: bool = True


class NoDevice(Exception):
    """There is no driver, or no device that it knows; the message says which."""


def find_gpu(setting: str) -> Gpu:
    """Return the GPU that the setting asks for; takes seconds where there is one.

    Whatever is wrong with package, driver or device is said, not raised.
    """
    if setting == "off":
        return Gpu(None, SWITCHED_OFF)
    try:
        return _opened()
    except Exception as error:
        return Gpu(None, f"{type(error).__name__}: {error}")


def prove(sampler: Sampler) -> None:
    """Compare draws with the CPU's.

    Raises
    ------
    RuntimeError
        They aren't the same bits.
    """
    for size, dtype in product(PROOF_SIZES, ("float32", "float64")):
        arms = _arms(size, dtype)
        for own, right in zip(_drawn(sampler, arms), _drawn(CpuSampler(), arms), strict=True):
            if own.dtype != right.dtype or not np.array_equal(own, right):
                raise RuntimeError(f"its draws from {size} arms of {dtype} differ from the CPU's")


def _drawn(sampler: Sampler, arms: Arms) -> tuple[NDArray[Any], ...]:
    listed = sampler.sample(arms.alpha, arms.beta, 1, arms.lanes)
    return listed, *sampler.top_k(arms, Eligible(without=np.zeros(1, np.int64)), 1, 9)


def _arms(size: int, dtype: str) -> Arms:
    """Make arms up, with shapes from 0.01 to 10,000."""
    alpha, beta = 10.0 ** np.random.default_rng(0).uniform(-2, 4, (2, size))
    return Arms(alpha.astype(dtype), beta.astype(dtype), np.arange(size, dtype=np.uint64))


def _opened() -> Gpu:
    """Open the first device; numba is imported, which takes a second, only where there is one."""
    lacking = "" if find_spec("numba") else f"; {NUMBA}"
    try:
        device = _device()
    except NoDevice as error:
        return Gpu(None, f"no device: {error}{lacking}", there=False)
    if lacking:
        return Gpu(None, f"{device} is not used{lacking}")
    from bandit.sampler_cuda import CudaSampler

    sampler = CudaSampler()
    prove(sampler)
    return Gpu(sampler, device)


def _device() -> str:
    """Return the name of the first device.

    Raises
    ------
    NoDevice
    OSError
        The driver fails.
    """
    driver, device = _driver(), ctypes.c_int()
    name = ctypes.create_string_buffer(NAME_BYTES)
    for status in (
        driver.cuInit(0),
        driver.cuDeviceGet(ctypes.byref(device), 0),
        driver.cuDeviceGetName(name, NAME_BYTES, device),
    ):
        if status:
            error = ctypes.c_char_p()
            driver.cuGetErrorName(status, ctypes.byref(error))
            said = (error.value or b"error %d" % status).decode()
            raise NoDevice(said) if status == NO_DEVICE else OSError(f"the driver says {said}")
    return name.value.decode()


def _driver() -> ctypes.CDLL:
    try:
        return ctypes.CDLL(DRIVER)
    except OSError as error:
        raise NoDevice(str(error)) from None
