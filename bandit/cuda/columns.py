"""Columns of arms in the device's memory."""

import threading
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from bandit.arms import Arms
from bandit.cuda.formats import Format, format_of

__all__ = ["DeviceColumns", "Residents"]

STRETCH = 4096  # rows that are compared, and copied where any differs
STAGE = 1 << 20  # rows that pass through page-locked memory at a time


@dataclass(frozen=True, slots=True, eq=False)
class DeviceColumns:
    """The columns of `Arms` on the device; tags has one row where no arm has any."""

    form: Format
    n: int
    alpha: Any
    beta: Any
    lanes: Any
    tags: Any


@dataclass(frozen=True, slots=True, eq=False)
class _Resident:
    arms: "weakref.ref[Arms]"
    alpha: NDArray[Any]
    beta: NDArray[Any]
    lanes: NDArray[np.uint64]
    tags: NDArray[np.uint64] | None
    on_device: DeviceColumns


class Residents:
    """The arms that are on the device: those in use, and the ones whose successors are to come.

    Columns on the device are never written to twice. What a new snapshot shares with a resident one
    is copied there; what differs, or is new, comes from the host. A snapshot that nobody holds any
    more stays until the next is loaded, which may be its successor.

    Attributes
    ----------
    rows_copied : int
        Rows of alpha and beta that were copied from the host so far.
    """

    def __init__(self) -> None:
        self.rows_copied = 0
        self._lock = threading.Lock()
        self._residents: list[_Resident] = []
        self._stream = cuda.stream()
        self._stages: dict[str, Any] = {}

    def of(self, arms: Arms) -> DeviceColumns:
        """Return the columns of `arms`, copied to the device if they aren't there yet."""
        found = self._find(arms)
        if found is not None:
            return found
        with self._lock:
            return self._find(arms) or self._load(arms)

    def drop_unused(self) -> int:
        """Forget snapshots that nobody holds; return how many."""
        kept = [r for r in self._residents if r.arms() is not None]
        dropped = len(self._residents) - len(kept)
        self._residents = kept
        return dropped

    def __len__(self) -> int:
        return len(self._residents)

    def _find(self, arms: Arms) -> DeviceColumns | None:
        return next((r.on_device for r in self._residents if r.arms() is arms), None)

    def _load(self, arms: Arms) -> DeviceColumns:
        ancestor = self._ancestor(arms)
        try:
            on_device = self._whole(arms) if ancestor is None else self._refreshed(arms, ancestor)
        except Exception:
            ancestor = None
            if not self.drop_unused():
                raise
            on_device = self._whole(arms)
        self._stream.synchronize()
        self.drop_unused()
        resident = _Resident(
            weakref.ref(arms), arms.alpha, arms.beta, arms.lanes, arms.tags, on_device
        )
        self._residents = [*self._residents, resident]
        return on_device

    def _ancestor(self, arms: Arms) -> _Resident | None:
        for resident in reversed(self._residents):
            if resident.alpha.dtype == arms.alpha.dtype and _same(resident.lanes, arms.lanes):
                return resident
        return None

    def _whole(self, arms: Arms) -> DeviceColumns:
        n = len(arms)
        self.rows_copied += n
        return DeviceColumns(
            format_of(arms.alpha.dtype),
            n,
            self._uploaded(arms.alpha),
            self._uploaded(arms.beta),
            self._uploaded(arms.lanes),
            self._uploaded(_present(arms.tags)),
        )

    def _refreshed(self, arms: Arms, before: _Resident) -> DeviceColumns:
        there = before.on_device
        alpha, beta = (
            cuda.device_array(len(arms), arms.alpha.dtype, stream=self._stream) for _ in range(2)
        )
        alpha.copy_to_device(there.alpha, stream=self._stream)
        beta.copy_to_device(there.beta, stream=self._stream)
        for begin, end in _differing(arms, before):
            self._copy(arms.alpha, alpha, begin, end)
            self._copy(arms.beta, beta, begin, end)
            self.rows_copied += end - begin
        same_tags = _same(_present(arms.tags), _present(before.tags))
        tags = there.tags if same_tags else self._uploaded(_present(arms.tags))
        return DeviceColumns(there.form, there.n, alpha, beta, there.lanes, tags)

    def _uploaded(self, column: NDArray[Any]) -> Any:
        made = cuda.device_array(len(column), column.dtype, stream=self._stream)
        self._copy(column, made, 0, len(column))
        return made

    def _copy(self, column: NDArray[Any], to: Any, begin: int, end: int) -> None:
        stage = self._stages.get(column.dtype.str)
        if stage is None:
            stage = self._stages[column.dtype.str] = cuda.pinned_array(STAGE, column.dtype)
        for at in range(begin, end, STAGE):
            part = stage[: min(STAGE, end - at)]
            np.copyto(part, column[at : at + len(part)])
            to[at : at + len(part)].copy_to_device(part, stream=self._stream)
            self._stream.synchronize()


def _present(tags: NDArray[np.uint64] | None) -> NDArray[np.uint64]:
    return np.zeros(1, np.uint64) if tags is None else tags


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one is other or np.array_equal(one, other)


def _differing(arms: Arms, before: _Resident) -> list[tuple[int, int]]:
    """Return the stretches [begin, end) of rows of which any differs; neighbours are joined."""
    found: list[tuple[int, int]] = []
    n = len(arms)
    for begin in range(0, n, STRETCH):
        rows = slice(begin, min(begin + STRETCH, n))
        if _same(arms.alpha[rows], before.alpha[rows]) and _same(
            arms.beta[rows], before.beta[rows]
        ):
            continue
        if found and found[-1][1] == begin:
            begin = found.pop()[0]
        found.append((begin, rows.stop))
    return found
