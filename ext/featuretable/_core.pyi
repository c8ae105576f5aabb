from typing import final

import numpy as np
from numpy.typing import NDArray

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
