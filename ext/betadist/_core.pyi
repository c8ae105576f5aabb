from collections.abc import Sequence
from os import PathLike
from typing import Literal, SupportsIndex, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

_Real = TypeVar("_Real", np.float32, np.float64)

STREAM_VERSION: int
MAX_ATTEMPTS: int
PIECES: tuple[str, ...]

def sample(
    alpha: NDArray[_Real],
    beta: NDArray[_Real],
    key: SupportsIndex,
    lanes: NDArray[np.uint64] | None = None,
    *,
    out: NDArray[_Real] | None = None,
    threads: SupportsIndex = 1,
) -> NDArray[_Real]: ...
def sample_top_k(
    alpha: NDArray[_Real],
    beta: NDArray[_Real],
    key: SupportsIndex,
    k: SupportsIndex,
    lanes: NDArray[np.uint64] | None = None,
    *,
    tags: NDArray[np.uint64] | None = None,
    include_tags: SupportsIndex = 0,
    exclude_tags: SupportsIndex = 0,
    without: NDArray[np.int64] | None = None,
    threads: SupportsIndex = 1,
) -> tuple[NDArray[np.int64], NDArray[_Real]]: ...
def rank(
    values: NDArray[_Real], lanes: NDArray[np.uint64], k: SupportsIndex | None = None
) -> NDArray[np.int64]: ...
@overload
def part(
    rows: NDArray[np.float64],
    known: NDArray[np.bool_],
    alpha: float,
    beta: float,
    dtype: Literal["float32"],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
@overload
def part(
    rows: NDArray[np.float64],
    known: NDArray[np.bool_],
    alpha: float,
    beta: float,
    dtype: Literal["float64"],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def simd_level() -> str: ...
def kernels() -> list[str]: ...
def sample_with(
    kernel: str,
    alpha: NDArray[_Real],
    beta: NDArray[_Real],
    key: SupportsIndex,
    lanes: NDArray[np.uint64] | None = None,
    *,
    max_attempts: int = ...,
) -> NDArray[_Real]: ...
def cpu_quota(groups: str | PathLike[str] = ..., own: str | PathLike[str] = ...) -> int: ...
def limit_threads(most: SupportsIndex) -> int: ...
def philox(counter: Sequence[int], key: int) -> tuple[int, int, int, int]: ...
def probe(piece: str, x: NDArray[_Real], y: NDArray[_Real]) -> NDArray[_Real]: ...
