from typing import Final, final

import numpy as np
from numpy.typing import NDArray

ABSENT: Final[int]
FOUND: Final[int]
UNKNOWN: Final[int]
STALE: Final[int]
CLAIMED: Final[int]

@final
class FeatureTable:
    def __init__(self, features: int, max_rows: int) -> None: ...
    def __len__(self) -> int: ...
    @property
    def features(self) -> int: ...
    @property
    def max_rows(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def lookup(
        self,
        hashes: NDArray[np.uint64],
        fingerprints: NDArray[np.uint64],
        values: NDArray[np.float64],
        found: NDArray[np.bool_],
    ) -> int: ...
    def upsert(
        self,
        hashes: NDArray[np.uint64],
        fingerprints: NDArray[np.uint64],
        values: NDArray[np.float64],
    ) -> int: ...
    def remove(self, hashes: NDArray[np.uint64], fingerprints: NDArray[np.uint64]) -> int: ...
    def clear(self) -> None: ...

@final
class Tally:
    @property
    def found(self) -> int: ...
    @property
    def unknown(self) -> int: ...
    @property
    def stale(self) -> int: ...
    @property
    def claimed(self) -> int: ...
    @property
    def absent(self) -> int: ...
    @property
    def oldest_ms(self) -> int: ...

@final
class FeatureCache:
    def __init__(
        self,
        features: int,
        max_rows: int,
        *,
        ttl_ms: int,
        negative_ttl_ms: int,
        stale_ms: int,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def features(self) -> int: ...
    @property
    def max_rows(self) -> int: ...
    @property
    def ttl_ms(self) -> int: ...
    @property
    def negative_ttl_ms(self) -> int: ...
    @property
    def stale_ms(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def evicted(self) -> int: ...
    def lookup(
        self,
        hashes: NDArray[np.uint64],
        fingerprints: NDArray[np.uint64],
        now_ms: int,
        values: NDArray[np.float64],
        states: NDArray[np.uint8],
    ) -> Tally: ...
    def upsert(
        self,
        hashes: NDArray[np.uint64],
        fingerprints: NDArray[np.uint64],
        now_ms: int,
        values: NDArray[np.float64],
        found: NDArray[np.bool_],
    ) -> int: ...
    def release(self, hashes: NDArray[np.uint64], fingerprints: NDArray[np.uint64]) -> int: ...
    def remove(self, hashes: NDArray[np.uint64], fingerprints: NDArray[np.uint64]) -> int: ...
    def clear(self) -> None: ...
