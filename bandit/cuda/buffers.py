"""Pairs of a page-locked array of the host and one of the device, as long as was ever needed."""

from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

__all__ = ["Pair"]


class Pair:
    """Memory that arguments go to the device through, or results come back."""

    def __init__(self, dtype: Any, capacity: int = 1024) -> None:
        self._dtype = np.dtype(dtype)
        self._grow(capacity)

    def _grow(self, capacity: int) -> None:
        self.device = cuda.device_array(capacity, self._dtype)
        self._host = cuda.pinned_array(capacity, self._dtype)

    def reserve(self, n: int) -> Any:
        """Return the device's array, of at least n elements."""
        if n > len(self._host):
            self._grow(1 << (n - 1).bit_length())
        return self.device

    def put(self, values: NDArray[Any], stream: Any) -> Any:
        """Copy to the device, in the stream's order; return the device's array."""
        n = len(values)
        device = self.reserve(n)
        if n > 0:
            np.copyto(self._host[:n], values)
            device[:n].copy_to_device(self._host[:n], stream=stream)
        return device

    def get(self, n: int, stream: Any) -> NDArray[Any]:
        """Copy n elements from the device; they are there when the stream is, until the next."""
        part: NDArray[Any] = self._host[:n]
        if n > 0:
            self.device[:n].copy_to_host(part, stream=stream)
        return part
