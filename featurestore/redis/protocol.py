"""Commands as the Redis protocol has them, and what a pending answer must look like."""

from asyncio import Future
from collections.abc import Callable
from typing import Any, TypeAlias

from hiredis import ReplyError

from featuretable import RowReader

__all__ = ["LATE", "Late", "Outcome", "Pending", "command", "describe", "head"]


class Late:
    """No answer until the deadline."""


LATE = Late()

# What a pending answer becomes: what the server said, one of its errors included, that it is late,
# or why there is none. A failure is a value, so that nobody has to fetch it when nobody waits.
Outcome: TypeAlias = Any


class Pending:
    """An answer that is owed: of one command, or of `count` commands sent together.

    Parameters
    ----------
    future : Future
        Gets the outcome, unless it is done by then: a list of replies where `count` was given, or
        `rows` where they are complete.
    fits : callable
        Whether a reply may answer the command; errors of the server always may.
    count : int or None
        How many commands were sent together.
    rows : RowReader or None
        May read the replies in place of `take`.
    """

    __slots__ = ("_count", "_fits", "_replies", "future", "rows")

    def __init__(
        self,
        future: "Future[Outcome]",
        fits: Callable[[Any], bool],
        count: int | None = None,
        rows: RowReader | None = None,
    ) -> None:
        self.future = future
        self.rows = rows
        self._fits = fits
        self._count = count
        self._replies: list[Any] = []

    def take(self, reply: Any) -> bool:
        """Take the next reply; whether that was the last one owed.

        Raises
        ------
        ValueError
            The reply can't be the answer.
        """
        if not (self._fits(reply) or isinstance(reply, ReplyError)):
            raise ValueError(describe(reply))
        if self._count is None:
            self.settle(reply)
            return True
        self._replies.append(reply)
        if len(self._replies) < self._count:
            return False
        self.settle(self._replies)
        return True

    def settle(self, outcome: Outcome) -> None:
        """Tell the outcome to whoever still waits."""
        if not self.future.done():
            self.future.set_result(outcome)


def head(count: int) -> bytes:
    """Start of a command of this many parts."""
    return b"*%d\r\n" % count


def command(*parts: bytes) -> bytes:
    """Encode a whole command."""
    return head(len(parts)) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def describe(reply: Any) -> str:
    """Say what a reply is, in a few words."""
    if isinstance(reply, list):
        return f"an array of {len(reply)}"
    return f"{type(reply).__name__} {str(reply)[:80]!r}"
