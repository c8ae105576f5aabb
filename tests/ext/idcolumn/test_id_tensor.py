"""IdColumn from and to BYTES tensors: lengths of 4 bytes, little-endian, each before its id."""

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idcolumn import IdColumn, hash_id

IDS_LISTS = st.lists(st.text(max_size=40), max_size=30)


def tensor(ids: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in ids)


@settings(deadline=None)
@given(ids=IDS_LISTS, head=st.binary(max_size=12))
def test_a_tensor_is_read_as_the_column_of_its_ids(ids: list[str], head: bytes) -> None:
    encoded = [text.encode() for text in ids]
    column = IdColumn.from_tensor(head + tensor(encoded), len(head), len(ids))
    expected = IdColumn.from_list(ids)
    assert column == expected
    assert column.tolist() == ids
    assert column.lengths.tolist() == [len(text) for text in encoded]
    pairs = zip(column.hashes.tolist(), column.fingerprints.tolist(), strict=True)
    assert list(pairs) == [hash_id(text) for text in encoded]
    assert column.to_json() == expected.to_json()


@settings(deadline=None)
@given(data=st.data(), ids=st.lists(st.text(max_size=20), min_size=1, max_size=30))
def test_a_column_is_written_as_the_tensor_of_its_ids(data: st.DataObject, ids: list[str]) -> None:
    column = IdColumn.from_list(ids)
    assert column.to_tensor() == tensor([text.encode() for text in ids])
    picks = data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=40))
    written = column.to_tensor(np.array(picks, np.int64))
    assert written == tensor([ids[i].encode() for i in picks])
    with pytest.raises(IndexError, match=r"order\[0\] is"):
        column.to_tensor(np.array([len(ids)], np.int64))


WRONG = [
    (b"", 0, 1, "1 elements don't fit in 0 bytes"),
    (b"abc", 4, 0, r"start is 4, must be in \[0, 3\]"),
    (tensor([b"a", b"b"])[:-1], 0, 2, "element 1 has a length of 1 bytes, but 0 are left"),
    (tensor([b"abcd", b"b"])[:-2], 0, 2, "element 1 has no length: 3 bytes are left, must be 4"),
    (tensor([b"a"]) + b"xy", 0, 1, "2 bytes are left over after 1 elements"),
    (tensor([b"a", b"\xff"]), 0, 2, "element 1 is not UTF-8"),
    (tensor([b"a", b"12345678\xed\xa0\x80"]), 0, 2, "element 1 is not UTF-8"),
    (b"\xff\xff\xff\xff1234", 0, 1, "element 0 has a length of 4294967295 bytes, but 4 are left"),
    (tensor([b"a"]), 0, 2**62, "elements don't fit"),
    (tensor([b"a"]), 0, 0, "5 bytes are left over after 0 elements"),
]


@pytest.mark.parametrize(("body", "start", "count", "message"), WRONG)
def test_the_first_wrong_element_is_named(
    body: bytes, start: int, count: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        IdColumn.from_tensor(body, start, count)


def test_arguments_have_their_types() -> None:
    for wrong in ("p", None, bytearray(b"p")):
        with pytest.raises(TypeError):
            IdColumn.from_tensor(wrong, 0, 0)  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        IdColumn.from_tensor(b"", -1, 0)
    with pytest.raises(OverflowError):
        IdColumn.from_tensor(b"", 0, 2**70)


def test_damaged_tensors_are_refused_or_read_whole() -> None:
    rng = random.Random(5)
    whole = tensor([b"video-%06d" % i for i in range(20)])
    read = 0
    for _ in range(20_000):
        body = bytearray(whole)
        for _ in range(rng.choice([1, 1, 2, 4])):
            body[rng.randrange(len(body))] = rng.choice(
                [0, 1, 12, 13, 128, 255, rng.randrange(256)]
            )
        damaged = bytes(body)
        try:
            column = IdColumn.from_tensor(damaged, 0, 20)
        except ValueError:
            continue
        read += 1
        assert column.to_tensor() == damaged
    assert 0 < read < 20_000
