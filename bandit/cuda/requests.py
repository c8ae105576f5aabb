"""What is asked of the device."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.arms import Eligible
from bandit.cuda.columns import DeviceColumns
from bandit.posterior import Column

__all__ = ["Best", "Draw", "DrawResident", "Job"]


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The k best of resident arms; those of the same columns go in one launch."""

    columns: DeviceColumns
    eligible: Eligible
    key: int
    k: int
    fast: bool

    @property
    def dtype(self) -> Any:
        """The draws' type."""
        return self.columns.form.real


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """A draw of each element of columns of the caller."""

    alpha: Column
    beta: Column
    lanes: NDArray[np.uint64]
    key: int
    fast: bool

    @property
    def dtype(self) -> Any:
        """The draws' type."""
        return self.alpha.dtype.type


@dataclass(frozen=True, slots=True, eq=False)
class DrawResident:
    """A draw of each resident arm."""

    columns: DeviceColumns
    key: int
    fast: bool

    @property
    def dtype(self) -> Any:
        """The draws' type."""
        return self.columns.form.real


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A request and where its answer goes."""

    asked: Best | Draw | DrawResident
    answer: "Future[Any]" = field(default_factory=Future)
