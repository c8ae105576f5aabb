"""Byte strings of many lengths, one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idcolumn import IdColumn

__all__ = ["Text"]

PIECE = 1 << 16  # strings cut at a time: some 30 bytes of scratch for each of theirs

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """n strings.

    Attributes
    ----------
    data : uint8[m]
        Their bytes.
    ends : int64[n + 1]
        0, then where each ends.
    """

    data: NDArray[np.uint8]
    ends: Positions

    @classmethod
    def of(cls, ids: IdColumn) -> "Text":
        """Return the ids' UTF-8."""
        return cls(np.frombuffer(b"".join(ids.to_bytes()), np.uint8), _ends(ids.lengths))

    @classmethod
    def joined(cls, parts: "list[Text]") -> "Text":
        """Return the strings of all parts, which are let go."""
        ends = _ends(np.concatenate([np.diff(part.ends) for part in parts]))
        data = np.concatenate([part.data for part in parts])
        parts.clear()
        return cls(data, ends)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def take(self, order: Positions) -> "Text":
        """Return the strings at these positions."""
        return self._cut(lambda piece: self.ends[order[piece]], _ends(np.diff(self.ends)[order]))

    def fits(self, prefix: bytes, suffix: bytes) -> NDArray[np.bool_]:
        """Return bool[n], which strings begin and end so, without an overlap."""
        begins, ends = self.ends[:-1], self.ends[1:]
        fitting = ends - begins >= len(prefix) + len(suffix)
        for at, byte in enumerate(prefix):
            fitting[fitting] = self.data[begins[fitting] + at] == byte
        for at, byte in enumerate(suffix):
            fitting[fitting] = self.data[ends[fitting] - len(suffix) + at] == byte
        return fitting

    def between(self, prefix: bytes, suffix: bytes) -> "Text":
        """Return the strings without what all of them begin and end with."""
        lengths = np.diff(self.ends) - (len(prefix) + len(suffix))
        return self._cut(lambda piece: self.ends[piece] + len(prefix), _ends(lengths))

    def ids(self) -> IdColumn:
        """Return the strings, which are UTF-8, as a column."""
        order = np.arange(len(self), dtype=np.int64)
        return IdColumn.gather(self.data.data, self.ends.view(np.uint64), order)

    def _cut(self, begins: Callable[[slice], Positions], ends: Positions) -> "Text":
        """Return strings of such ends, cut out where `begins` says of a piece of them."""
        data = np.empty(ends[-1], np.uint8)
        for piece in _pieces(len(ends) - 1):
            first, last = ends[piece.start], ends[piece.stop]
            lengths = np.diff(ends[piece.start : piece.stop + 1])
            shift = np.repeat(begins(piece) - ends[piece], lengths)
            data[first:last] = self.data[np.arange(first, last) + shift]
        return Text(data, ends)


def _ends(lengths: NDArray[np.integer]) -> Positions:
    ends = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=ends[1:])
    return ends


def _pieces(count: int) -> Iterator[slice]:
    return (slice(at, min(at + PIECE, count)) for at in range(0, count, PIECE))
