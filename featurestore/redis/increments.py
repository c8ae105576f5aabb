"""Adding to rows where they lie."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from featurestore.redis.clients import Call
from featurestore.redis.layout import FLOAT
from idcolumn import IdColumn

__all__ = ["MISFIT", "increments"]

# A script has the server to itself: about 1 ms for this many rows.
ROWS_OF_A_SCRIPT = 500
MISFIT = "ROWLENGTH"

# Reads and checks every row before it writes the first, so that it changes all or none.
SCRIPT = b"""
local width, start, amounts = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local rows = {}
for i, key in ipairs(KEYS) do
  local row = redis.call('GET', key) or start
  if #row ~= 8 * width then
    return redis.error_reply('ROWLENGTH ' .. #row .. ' ' .. key)
  end
  rows[i] = row
end
for i, key in ipairs(KEYS) do
  local sums = {}
  for j = 1, width do
    local there = struct.unpack('<d', rows[i], 8 * j - 7)
    local more = struct.unpack('<d', amounts, 8 * ((i - 1) * width + j) - 7)
    sums[j] = struct.pack('<d', there + more)
  end
  redis.call('SET', key, table.concat(sums))
end
return #KEYS
"""


def increments(
    prefix: bytes,
    ids: IdColumn,
    amounts: NDArray[np.float64],
    start: NDArray[np.float64],
    by_slot: bool,
) -> Iterator[Call]:
    """Make the script calls that add `amounts`, float64[n, f], to n different rows."""
    names = ids.to_bytes()
    for rows in _groups(prefix, ids, by_slot):
        keys = [prefix + names[i] for i in rows]
        packed = amounts[rows].astype(FLOAT).tobytes()
        yield (
            keys[0],
            (
                "EVAL",
                SCRIPT,
                len(keys),
                *keys,
                amounts.shape[1],
                start.astype(FLOAT).tobytes(),
                packed,
            ),
        )


def _groups(prefix: bytes, ids: IdColumn, by_slot: bool) -> Iterator[Sequence[int]]:
    together: dict[int, list[int]] = defaultdict(list)
    slots = ids.key_slots(prefix).tolist() if by_slot else [0] * len(ids)
    for i, slot in enumerate(slots):
        together[slot].append(i)
    for rows in together.values():
        for first in range(0, len(rows), ROWS_OF_A_SCRIPT):
            yield rows[first : first + ROWS_OF_A_SCRIPT]
