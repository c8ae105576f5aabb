"""What Numba compiles for: a device, or its simulator (NUMBA_ENABLE_CUDASIM=1)."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import config, cuda

__all__ = ["SIMULATED", "Bits", "Real", "Word", "device", "kernel"]

SIMULATED = bool(config.ENABLE_CUDASIM)

# Of a kernel's code, by what they hold on the device
Real = Any  # float32 or float64
Bits = Any  # uint32 or uint64: the same, as integers
Word = Any  # uint32

F = TypeVar("F", bound=Callable[..., Any])

config.CUDA_LOW_OCCUPANCY_WARNINGS = 0


def device(fast: bool = False) -> Callable[[F], F]:
    """Return a decorator of functions that kernels call; in the simulator they stay as they are."""
    if SIMULATED:
        return lambda function: function
    made: Callable[[F], F] = cuda.jit(device=True, fastmath=fast)
    return made


def kernel(fast: bool = False) -> Callable[[Callable[..., None]], Any]:
    """Return a decorator of kernels.

    Without optimisation at link time: the PTX is what runs, and the PTX is what tests read.
    """
    return cuda.jit(fastmath=fast) if SIMULATED else cuda.jit(fastmath=fast, lto=False)
