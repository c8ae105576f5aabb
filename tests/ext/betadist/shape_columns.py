"""Arguments of a draw, as the tests hand them round."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class ShapeColumns(NamedTuple):
    """Arguments of a draw."""

    alpha: NDArray
    beta: NDArray
    lanes: NDArray[np.uint64]

    def take(self, which: slice | NDArray[np.int64]) -> "ShapeColumns":
        return ShapeColumns(*(column[which] for column in self))
