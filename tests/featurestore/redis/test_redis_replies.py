"""Replies that arrive in pieces, rows among others."""

import asyncio
from collections import deque
from typing import Any

import numpy as np
import pytest
from hiredis import ReplyError

from featurestore.redis.protocol import Pending
from featurestore.redis.replies import Replies
from featuretable import RowReader, unpack

NOTHING = b"$-1\r\n"
ROWS: list[bytes | None] = [bytes(range(i, i + 16)) if i % 3 else None for i in range(6)]


def bulk(value: bytes | None) -> bytes:
    return NOTHING if value is None else b"$%d\r\n%b\r\n" % (len(value), value)


def arrays(rows: list[bytes | None], most: int) -> bytes:
    """Answers to MGETs of so many keys each."""
    parts = [rows[i : i + most] for i in range(0, len(rows), most)]
    return b"".join(b"*%d\r\n" % len(part) + b"".join(map(bulk, part)) for part in parts)


def is_bulk(reply: Any) -> bool:
    return isinstance(reply, bytes)


def is_array(reply: Any) -> bool:
    return isinstance(reply, list)


class Asked:
    """Two requests for rows, a PING and two requests for rows."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        kinds = [True, True, False, True, True]
        self.pending = deque(
            Pending(loop.create_future(), is_array, 3, RowReader(6, 2, 2))
            if rows
            else Pending(loop.create_future(), is_bulk)
            for rows in kinds
        )
        self.futures = [pending.future for pending in self.pending]
        self.replies = Replies(self.pending)

    def outcomes(self) -> list[Any]:
        assert not self.pending
        return [plain(future.result()) for future in self.futures]


def plain(outcome: Any) -> Any:
    """Rows as bytes, whoever has read them."""
    if isinstance(outcome, RowReader):
        assert outcome.complete
        return rows_of(outcome.values, outcome.found)
    if not isinstance(outcome, list):
        return outcome
    if any(isinstance(reply, ReplyError) for reply in outcome):
        return [str(reply) if isinstance(reply, ReplyError) else reply for reply in outcome]
    values, found, misfits = unpack([row for reply in outcome for row in reply], 2)
    assert not misfits
    return rows_of(values, found)


def rows_of(values: np.ndarray, found: np.ndarray) -> list[bytes | None]:
    return [row.tobytes() if there else None for row, there in zip(values, found, strict=True)]


ERROR = arrays(ROWS[:2], 2) + b"-OOPS at this\r\n" + arrays(ROWS[4:], 2)
SHORT = bytes(8)


@pytest.mark.parametrize("second", [arrays(ROWS, 2), ERROR], ids=["rows", "an error among them"])
async def test_wherever_the_pieces_end_answers_are_the_same(second: bytes) -> None:
    said = arrays(ROWS, 2) + second + b"+PONG\r\n" + arrays(ROWS[::-1], 2) + arrays(ROWS, 2)
    failed = [ROWS[:2], "OOPS at this", ROWS[4:]]
    wanted = [ROWS, failed if second is ERROR else ROWS, b"PONG", ROWS[::-1], ROWS]
    for first in range(len(said)):
        for last in range(first, len(said) + 1, 7):
            asked = Asked()
            for piece in (said[:first], said[first:last], said[last:]):
                asked.replies.feed(piece)
            assert asked.outcomes() == wanted, (first, last)


async def test_answers_arrive_byte_by_byte() -> None:
    asked = Asked()
    for byte in arrays(ROWS, 2) * 2 + b"+PONG\r\n" + arrays(ROWS, 2) * 2:
        asked.replies.feed(bytes([byte]))
    assert asked.outcomes() == [ROWS, ROWS, b"PONG", ROWS, ROWS]


async def test_a_row_of_another_length_is_left_to_whoever_knows_what_it_is() -> None:
    asked = Asked()
    odd = [*ROWS[:5], SHORT]
    asked.replies.feed(arrays(ROWS, 2) + arrays(odd, 2))
    assert plain(asked.futures[0].result()) == ROWS
    assert asked.futures[1].result() == [odd[:2], odd[2:4], odd[4:]]
    asked.replies.feed(b"+PONG\r\n" + arrays(ROWS, 2) * 2)
    assert [plain(future.result()) for future in asked.futures[2:]] == [b"PONG", ROWS, ROWS]


async def test_rows_are_read_again_as_such_after_something_else() -> None:
    asked = Asked()
    for answer in (arrays(ROWS, 2), ERROR, b"+PONG\r\n", arrays(ROWS, 2), arrays(ROWS, 2)):
        asked.replies.feed(answer)
    kinds = [type(future.result()) for future in asked.futures]
    assert kinds == [RowReader, list, bytes, RowReader, RowReader]
