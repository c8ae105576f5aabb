"""IdColumn: made from str and bytes, taken apart, put into JSON; immutable."""

import threading
from collections.abc import Callable

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idcolumn import IdColumn, hash_id, split

IDS = [
    "c1",
    "",
    "item-0042",
    "Élise",
    "日本",
    "🎰🎲",
    "c1",
    'quo"te',
    "back\\slash",
    "\x00\x1f\x7f",
]
IDS_LISTS = st.lists(st.text(max_size=40), max_size=30)


def indices(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def assert_is(column: IdColumn, ids: list[str]) -> None:
    """The column holds these ids, by every way of reading it."""
    encoded = [text.encode() for text in ids]
    assert len(column) == len(ids)
    assert column.tolist() == ids
    assert list(column) == ids
    assert column.to_bytes() == encoded
    assert column.lengths.tolist() == [len(text) for text in encoded]
    pairs = zip(column.hashes.tolist(), column.fingerprints.tolist(), strict=True)
    assert list(pairs) == [hash_id(text) for text in encoded]
    assert column.to_json() == orjson.dumps(ids)
    assert column == IdColumn.from_list(ids)


@settings(deadline=None)
@given(ids=IDS_LISTS)
def test_a_column_of_str_holds_them(ids: list[str]) -> None:
    assert_is(IdColumn.from_list(ids), ids)
    assert_is(IdColumn.from_list(tuple(ids)), ids)


@settings(deadline=None)
@given(ids=IDS_LISTS)
def test_a_column_of_bytes_holds_them(ids: list[str]) -> None:
    assert_is(IdColumn.from_bytes([text.encode() for text in ids]), ids)


@settings(deadline=None)
@given(ids=IDS_LISTS, prefix=st.text(max_size=9), suffix=st.text(max_size=9))
def test_affix_puts_a_prefix_and_a_suffix_around_every_id(
    ids: list[str], prefix: str, suffix: str
) -> None:
    column = IdColumn.from_list(ids).affix(prefix, suffix)
    assert_is(column, [prefix + text + suffix for text in ids])


@settings(deadline=None)
@given(data=st.data(), ids=st.lists(st.text(max_size=20), min_size=1, max_size=30))
def test_take_and_the_ways_out_follow_the_indices(data: st.DataObject, ids: list[str]) -> None:
    picks = data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=40))
    expected = [ids[i] for i in picks]
    column = IdColumn.from_list(ids)
    order = indices(*picks)
    assert_is(column.take(order), expected)
    assert column.to_bytes(order) == [text.encode() for text in expected]
    assert column.to_json(order) == orjson.dumps(expected)
    assert_is(column.take(order).affix("<", ">"), [f"<{text}>" for text in expected])


def test_every_code_point_becomes_the_json_that_orjson_makes() -> None:
    ids = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    column = IdColumn.from_list(ids)
    assert column.to_json() == orjson.dumps(ids)
    assert column == IdColumn.from_bytes([text.encode() for text in ids])
    assert column.tolist() == ids


def test_a_split_column_is_like_one_of_the_same_str() -> None:
    ids = ["c1", "", "item-0042", "Élise", "日本", "🎰🎲", "c1", "x\x7f"]
    parts = split(orjson.dumps({"model": "m", "candidates": ids}), "candidates")
    assert parts is not None
    column = parts[0]
    assert_is(column, ids)
    assert_is(column.take(indices(5, 0, 0)), [ids[5], ids[0], ids[0]])
    # An affix that needs an escape brings it into a column that needed none.
    assert_is(column.affix('"', "\n"), [f'"{text}\n' for text in ids])


def test_an_item_is_found_from_either_end() -> None:
    column = IdColumn.from_list(IDS)
    assert [column[i] for i in range(-len(IDS), len(IDS))] == IDS + IDS
    assert column[np.int64(3)] == IDS[3]


@pytest.mark.parametrize("i", [10, -11, 2**62])
def test_an_item_past_the_ends_is_an_index_error(i: int) -> None:
    with pytest.raises(IndexError, match=rf"index is {i}, must be in \[-10, 10\)"):
        IdColumn.from_list(IDS)[i]


def test_equality_is_by_content_and_order() -> None:
    column = IdColumn.from_list(["a", "b"])
    assert column == IdColumn.from_list(["b", "a"]).take(indices(1, 0))
    assert column != IdColumn.from_list(["b", "a"])
    assert column != IdColumn.from_list(["a"])
    assert column != IdColumn.from_list(["a", "b", "c"])
    assert column != IdColumn.from_list(["a", "c"])
    assert column != ["a", "b"]
    with pytest.raises(TypeError, match="unhashable"):
        hash(column)


def test_a_column_outlives_and_ignores_what_it_was_made_from() -> None:
    ids = ["one", "two"]
    column = IdColumn.from_list(ids)
    ids[0] = "three"
    ids.clear()
    assert column.tolist() == ["one", "two"]
    parts = split(bytes(bytearray(b'{"ids":["x","y"]}')), "ids")
    assert parts is not None
    hashes = parts[0].hashes
    taken = parts[0].take(indices(1))
    del parts
    assert taken.tolist() == ["y"]
    assert hashes.tolist() == [hash_id(b"x")[0], hash_id(b"y")[0]]


@pytest.mark.parametrize("name", ["hashes", "fingerprints", "lengths"])
def test_the_arrays_cannot_be_written(name: str) -> None:
    column = IdColumn.from_list(IDS)
    array = getattr(column, name)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True
    with pytest.raises(AttributeError):
        setattr(column, name, array)


def test_the_arrays_have_the_types_promised() -> None:
    for column in (IdColumn.from_list(IDS), IdColumn.from_list([])):
        assert column.hashes.dtype == column.fingerprints.dtype == np.uint64
        assert column.lengths.dtype == np.uint32
        assert column.hashes.shape == column.fingerprints.shape == (len(column),)
        assert column.hashes.flags.c_contiguous
        assert column.hashes.flags.aligned


@pytest.mark.parametrize("ids", [IDS, []])
def test_as_a_buffer_it_is_its_hashes_and_fingerprints(ids: list[str]) -> None:
    column = IdColumn.from_list(ids)
    keys = np.concatenate((column.hashes, column.fingerprints)).tobytes()
    view = memoryview(column)
    del column
    assert (bytes(view), view.readonly) == (keys, True)


def test_a_column_has_no_constructor_of_its_own() -> None:
    with pytest.raises(TypeError, match="made by split"):
        IdColumn()
    assert_is(IdColumn.__new__(IdColumn), [])


def test_an_empty_column_does_everything() -> None:
    column = IdColumn.from_list([])
    assert_is(column, [])
    assert_is(IdColumn.from_bytes([]), [])
    assert_is(column.take(indices()), [])
    assert_is(column.affix("a", "b"), [])
    assert column.to_json(indices()) == b"[]"
    with pytest.raises(IndexError):
        column[0]


def test_indices_may_be_strided_or_read_only() -> None:
    column = IdColumn.from_list(IDS)
    order = np.arange(10, dtype=np.int64)
    order.flags.writeable = False
    assert column.take(order[::-2]).tolist() == IDS[::-2]
    assert column.to_json(order[::-1]) == orjson.dumps(IDS[::-1])


CALLS: list[tuple[str, Callable[[IdColumn, np.ndarray], object]]] = [
    ("indices", lambda column, order: column.take(order)),
    ("indices", lambda column, order: column.to_bytes(order)),
    ("order", lambda column, order: column.to_json(order)),
]


@pytest.mark.parametrize(("name", "call"), CALLS)
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (indices(0, 9, 10), IndexError, r"\[2\] is 10, must be in \[0, 10\)"),
        (indices(0, -1), IndexError, r"\[1\] is -1, must be in \[0, 10\)"),
        (indices(-(2**63)), IndexError, r"\[0\] is -9223372036854775808, must be in"),
        (np.array([1], np.int32), TypeError, " is an array of int32, must be of int64"),
        (np.array([1.0]), TypeError, " is an array of float64, must be of int64"),
        (np.array([[1]], np.int64), ValueError, " has 2 dimensions, must have 1"),
        ([1], TypeError, " is a list, must be an array of int64"),
    ],
)
def test_wrong_indices_are_refused_by_name(
    name: str,
    call: Callable[[IdColumn, np.ndarray], object],
    wrong: np.ndarray,
    error: type[Exception],
    message: str,
) -> None:
    column = IdColumn.from_list(IDS)
    with pytest.raises(error, match=f"^{name}{message}"):
        call(column, wrong)


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (["a", 7], TypeError, r"ids\[1\] is a int, must be a str"),
        (["a", b"b"], TypeError, r"ids\[1\] is a bytes, must be a str"),
        (["a", None], TypeError, r"ids\[1\] is a NoneType, must be a str"),
        (["a", "b\ud800"], ValueError, r"ids\[1\] is 'b\\ud800', which UTF-8 can't hold"),
        (["\udfff"], ValueError, r"ids\[0\] is '\\udfff', which UTF-8"),
        ("abc", TypeError, "ids is a str, must be a sequence of str"),
        (b"abc", TypeError, "ids is a bytes, must be a sequence of str"),
    ],
)
def test_what_is_not_str_is_refused_by_index(
    ids: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message}"):
        IdColumn.from_list(ids)


ILL_FORMED = [
    b"\x80",  # a continuation on its own
    b"a\xbf",
    b"\xc3",  # cut short
    b"\xe2\x82",
    b"\xf0\x9f\x8e",
    b"\xc3(",  # not continued
    b"\xe2(\xa1",
    b"\xe2\x82(",
    b"\xf0\x9f\x8e(",
    b"\xc0\x80",  # overlong
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xed\xa0\x80",  # surrogates
    b"\xed\xbf\xbf",
    b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xf4\x90\x80\x80",  # past U+10FFFF
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfe",
    b"\xff",
]


@pytest.mark.parametrize("wrong", ILL_FORMED)
def test_bytes_that_are_not_utf_8_are_refused_by_index(wrong: bytes) -> None:
    for before in range(18):
        for after in (0, 1, 9):
            ids = [b"fine", "\u00e9".encode(), b"x" * before + wrong + b"y" * after]
            with pytest.raises(ValueError, match=r"^ids\[2\] is b'x*.*, must be UTF-8$"):
                IdColumn.from_bytes(ids)


def test_well_formedness_is_what_python_says_it_is_for_every_short_sequence() -> None:
    starts = [bytes([first, second]) for first in range(0x80, 0x100) for second in range(0x100)]
    tails = [
        b"",
        b"\x7f",
        b"\x80",
        b"\xbf",
        b"\xc0",
        b"\x80\x7f",
        b"\x80\x80",
        b"\xbf\xbf",
        b"\xbf\xc0",
    ]
    for text in (start + tail for start in starts for tail in tails):
        assert is_accepted(text) == is_utf8(text), text


def is_accepted(text: bytes) -> bool:
    try:
        return IdColumn.from_bytes([text]).to_bytes() == [text]
    except ValueError:
        return False


def is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([b"a", "b"], r"ids\[1\] is a str, must be a bytes"),
        ([bytearray(b"a")], r"ids\[0\] is a bytearray, must be a bytes"),
        (b"ab", "ids is a bytes, must be a sequence of bytes"),
    ],
)
def test_what_is_not_bytes_is_refused_by_index(ids: list[bytes], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}"):
        IdColumn.from_bytes(ids)


@pytest.mark.parametrize(
    ("prefix", "suffix", "error", "message"),
    [
        (b"a", "", TypeError, "prefix is a bytes, must be a str"),
        ("", None, TypeError, "suffix is a NoneType, must be a str"),
        ("", "\ud800", ValueError, r"suffix is '\\ud800', which UTF-8 can't hold"),
    ],
)
def test_a_wrong_affix_is_refused_by_name(
    prefix: str, suffix: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        IdColumn.from_list(IDS).affix(prefix, suffix)


def test_threads_may_read_one_column() -> None:
    ids = [f"item-{i}" for i in range(5000)]
    column = IdColumn.from_list(ids)
    backwards = np.arange(5000, dtype=np.int64)[::-1].copy()
    expected = orjson.dumps(ids[::-1])
    results: list[bool] = []

    def read() -> None:
        for _ in range(40):
            results.append(column.to_json(backwards) == expected)
            results.append(column.take(backwards).take(backwards) == column)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 * 40 * 2
    assert all(results)


def test_threads_may_take_from_a_column_while_one_writes_it() -> None:
    count = 60_000
    body = b"\x06\0\0\0id0000" * count + b'\x03\0\0\0a"b'
    backwards = np.arange(count, -1, -1, dtype=np.int64)
    taken: list[IdColumn] = []
    for _ in range(20):
        column = IdColumn.from_tensor(body, 0, count + 1)
        threads = [
            threading.Thread(target=lambda c=column: taken.append(c.take(backwards)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        column.to_json(backwards[:1])
        for thread in threads:
            thread.join()
    assert {column.to_json(backwards[-1:]) for column in taken} == {b'["a\\"b"]'}
