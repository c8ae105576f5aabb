"""The journal of an embedded store: which ids were written, so that other processes follow.

Entries are numbered from 1 without a gap and written in the transaction of the rows. The oldest
are dropped when the journal names more than `KEPT_IDS` ids; a reader further behind reads its
tables anew.
An entry is the number of ids named since the store was made (u64, little-endian), then the JSON
array [entity type, ids], or [entity type] for a table that was made or replaced.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from featurestore.environment import View
from featurestore.tablelist import JOURNAL, listing
from idcolumn import IdColumn

__all__ = ["Changes", "changes", "last_sequence", "record_replaced", "record_written"]

KEPT_IDS = 1_000_000
IDS_PER_ENTRY = 1_000  # some 20 KB: a longer value needs a longer run of free pages
NUMBER = struct.Struct(">Q")  # big-endian, so that keys sort by number
TOTAL = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to a store after a given sequence number.

    Attributes
    ----------
    last : int
        The newest sequence number that is covered.
    replaced : frozenset of str
        Entity types to be read anew as a whole.
    written : dict of str to IdColumn
        For the other entity types, the ids written, each once.
    """

    last: int
    replaced: frozenset[str]
    written: dict[str, IdColumn]


def last_sequence(view: View) -> int:
    """Tell the number of the newest entry, 0 before the first."""
    with view.txn.cursor(view.database(JOURNAL)) as cursor:
        return NUMBER.unpack(cursor.key())[0] if cursor.last() else 0


def record_written(view: View, entity_type: str, ids: IdColumn) -> None:
    """Note that rows were written."""
    name = json.dumps(entity_type).encode()
    for start in range(0, len(ids), IDS_PER_ENTRY):
        part = ids.take(np.arange(start, min(start + IDS_PER_ENTRY, len(ids))))
        _append(view, len(part), b"[%s,%s]" % (name, part.to_json()))
    _prune(view)


def record_replaced(view: View, entity_type: str) -> None:
    """Note that a table was made or replaced."""
    _append(view, 1, json.dumps([entity_type]).encode())
    _prune(view)


def changes(view: View, since: int) -> Changes:
    """Tell what happened after entry `since`."""
    last = last_sequence(view)
    if since == last:
        return Changes(last, frozenset(), {})
    if not _first(view) - 1 <= since < last:
        return Changes(last, frozenset(listing(view)), {})
    return _collect(last, _entries(view, since))


def _collect(last: int, entries: Iterator[list[object]]) -> Changes:
    replaced: set[str] = set()
    written: dict[str, dict[str, None]] = {}
    for name, *ids in entries:
        if ids:
            written.setdefault(str(name), {}).update(dict.fromkeys(ids[0]))  # type: ignore[call-overload]
        else:
            replaced.add(str(name))
    columns = {
        name: IdColumn.from_list(list(ids)) for name, ids in written.items() if name not in replaced
    }
    return Changes(last, frozenset(replaced), columns)


def _entries(view: View, since: int) -> Iterator[list[object]]:
    with view.txn.cursor(view.database(JOURNAL)) as cursor:
        if cursor.set_range(NUMBER.pack(since + 1)):
            for value in cursor.iternext(keys=False):
                yield json.loads(value[TOTAL.size :])


def _first(view: View) -> int:
    with view.txn.cursor(view.database(JOURNAL)) as cursor:
        return NUMBER.unpack(cursor.key())[0] if cursor.first() else 1


def _append(view: View, ids: int, text: bytes) -> None:
    with view.txn.cursor(view.database(JOURNAL)) as cursor:
        number, total = 0, 0
        if cursor.last():
            number = NUMBER.unpack(cursor.key())[0]
            total = TOTAL.unpack_from(cursor.value())[0]
        cursor.put(NUMBER.pack(number + 1), TOTAL.pack(total + ids) + text, append=True)


def _prune(view: View) -> None:
    with view.txn.cursor(view.database(JOURNAL)) as cursor:
        cursor.last()
        total = TOTAL.unpack_from(cursor.value())[0]
        while cursor.first() and total - TOTAL.unpack_from(cursor.value())[0] > KEPT_IDS:
            cursor.delete()
