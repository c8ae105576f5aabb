"""Answers put together, and what is said of the time they took."""

import asyncio

import pytest

from plainhttp import answer, begin, server_timing

BEGIN = b"HTTP/1.1 200 OK\r\n"


def test_an_answer_is_its_head_and_its_body() -> None:
    headers = [(b"a", b"1"), (b"content-length", b"9"), (b"b", b"")]
    head = BEGIN + b"a: 1\r\nb: \r\ncontent-length: 4\r\n\r\n"
    assert answer(BEGIN, headers, b"body") == head + b"body"
    assert answer(BEGIN, headers, b"body", alone=True) == head
    assert answer(BEGIN, [], b"x" * 1000) == BEGIN + b"content-length: 1000\r\n\r\n" + b"x" * 1000


@pytest.mark.parametrize("header", [(b"a", b"1\n"), (b"a\r", b"1"), (b"a", b"\r\nb: 2")])
def test_a_header_with_a_line_break_is_refused(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="a header of an answer has a line break"):
        answer(BEGIN, [header], b"")


@pytest.mark.parametrize("header", [("a", b"1"), (None, b"1"), (b"a", None)])
def test_what_is_not_bytes_is_refused(header) -> None:
    with pytest.raises(TypeError):
        answer(BEGIN, [header], b"")


def test_durations_are_rounded_to_microseconds() -> None:
    assert server_timing([]) == b""
    durations = [("decode", 0.0), ("a", 1.4e-6), ("b", 0.0123456), ("c", 12.5)]
    found = b"decode;dur=0.000, a;dur=0.001, b;dur=12.346, c;dur=12500.000"
    assert server_timing(durations) == found


def test_a_coroutine_is_begun_until_it_waits() -> None:
    async def done() -> tuple[int, int]:
        return 1, 2

    async def failing() -> None:
        raise KeyError("key")

    async def waiting() -> None:
        await future

    assert begin(done()) == (True, (1, 2))
    with pytest.raises(KeyError, match="key"):
        begin(failing())
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    begun = waiting()
    assert begin(begun) == (False, future)
    begun.close()
    loop.close()
