"""What a server says, handed to those that wait for it."""

from collections import deque
from typing import Any

import hiredis

from featurestore.redis.protocol import Pending, describe

__all__ = ["Replies"]

NOT_YET = object()


class Replies:
    """Reads rows straight into their arrays, and anything else by hiredis.

    Parameters
    ----------
    pending : deque of Pending
        The answers that are owed; those that have come are taken out.
    """

    def __init__(self, pending: deque[Pending]) -> None:
        self._pending = pending
        self._reader = hiredis.Reader(notEnoughData=NOT_YET)
        self._between = True  # hiredis has nothing of an answer
        self._seen: list[bytes] = []  # of an answer of rows that is not complete
        self._unread = b""  # and of its next row

    def feed(self, data: bytes) -> None:
        """Take in what came.

        Raises
        ------
        hiredis.ProtocolError
            It is not the Redis protocol.
        TypeError, ValueError
            It does not answer what was asked.
        """
        if self._between:
            data = self._read_rows(data)
        if data:
            self._read_others(data)

    def _read_rows(self, data: bytes) -> bytes:
        """Read while rows come; what is left begins a reply."""
        data, start = self._unread + data, 0
        while start < len(data) and self._pending:
            rows = self._pending[0].rows
            if rows is None:
                break
            stop = rows.read(data, start)
            if stop >= 0 and not rows.complete:
                self._seen.append(data[start:stop])
                self._unread = data[stop:]
                return b""
            seen, self._seen, self._unread = self._seen, [], b""
            if stop < 0:
                return b"".join(seen) + data[start:]
            self._pending.popleft().settle(rows)
            start = stop
        return data[start:]

    def _read_others(self, data: bytes) -> None:
        self._reader.feed(data)
        self._between = False
        while (reply := self._reader.gets()) is not NOT_YET:
            ended = self._deliver(reply)
            self._between = ended and not self._reader.has_data()

    def _deliver(self, reply: Any) -> bool:
        """Hand a reply over; whether it ends an answer."""
        if not self._pending:
            raise ValueError(f"{describe(reply)}, and nothing was asked")
        ended = self._pending[0].take(reply)
        if ended:
            self._pending.popleft()
        return ended
