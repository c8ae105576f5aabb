"""IdColumn.gather: ids that lie one after the other in a buffer, copied out of it."""

import mmap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from idcolumn import IdColumn, hash_id


def laid(ids: list[str]) -> tuple[bytes, NDArray[np.uint64]]:
    """The ids' bytes one after the other, and where each begins and the last ends."""
    encoded = [text.encode() for text in ids]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.uint64)
    return b"".join(encoded), ends


def indices(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


@settings(deadline=None)
@given(data=st.data(), ids=st.lists(st.text(max_size=20), min_size=1, max_size=30))
def test_the_ids_that_the_indices_name(data: st.DataObject, ids: list[str]) -> None:
    picks = data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=40))
    text, offsets = laid(ids)
    column = IdColumn.gather(text, offsets, indices(*picks))
    expected = IdColumn.from_list([ids[i] for i in picks])
    assert column == expected
    assert column.tolist() == expected.tolist()
    assert column.lengths.tolist() == expected.lengths.tolist()
    pairs = zip(column.hashes.tolist(), column.fingerprints.tolist(), strict=True)
    assert list(pairs) == [hash_id(ids[i].encode()) for i in picks]
    assert column.to_json() == expected.to_json()


IDS = ["video-1", "", "Élise", 'quo"te', "日本"]


def test_any_buffer_which_may_go_away(tmp_path: Path) -> None:
    text, offsets = laid(IDS)
    (tmp_path / "ids").write_bytes(text)
    with (tmp_path / "ids").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    pixels = np.frombuffer(text, np.uint8)
    order = indices(4, 0, 2)
    for buffer in (text, bytearray(text), memoryview(text), pixels, pixels.copy(), mapped):
        assert IdColumn.gather(buffer, offsets, order).tolist() == ["日本", "video-1", "Élise"]
    column = IdColumn.gather(mapped, offsets, order)
    mapped.close()
    assert column.tolist() == ["日本", "video-1", "Élise"]


def test_a_strided_or_swapped_order_is_followed() -> None:
    text, offsets = laid(IDS)
    order = np.repeat(indices(3, 1), 2)[::2]
    for ends in (offsets, np.repeat(offsets, 2)[::2]):
        assert IdColumn.gather(text, ends, order).tolist() == ['quo"te', ""]
        assert IdColumn.gather(text, ends, order.astype(">i8")).tolist() == ['quo"te', ""]


def test_nothing_of_nothing() -> None:
    assert IdColumn.gather(b"", np.zeros(1, np.uint64), indices()).tolist() == []


def ends(*values: int) -> NDArray[np.uint64]:
    return np.array(values, np.uint64)


@pytest.mark.parametrize(
    ("text", "offsets", "order", "error", "said"),
    [
        ("abc", ends(0, 3), indices(0), TypeError, "text is a str, must be a contiguous buffer"),
        (None, ends(0, 3), indices(0), TypeError, "text is a NoneType, must be a contig"),
        (np.zeros(8, np.uint8)[::2], ends(0, 3), indices(0), TypeError, "text is a ndarray, must"),
        (b"abc", [0, 3], indices(0), TypeError, "offsets is a list, must be an array of uint64"),
        (b"abc", indices(0, 3), indices(0), TypeError, "offsets is an array of int64, must be of"),
        (b"abc", ends(0, 3)[None], indices(0), ValueError, "offsets has 2 dimensions, must have"),
        (b"abc", ends(), indices(), ValueError, "offsets has 0 elements, must have at least 1"),
        (b"abc", ends(0, 3), [0], TypeError, "indices is a list, must be an array of int64"),
        (b"abc", ends(0, 3), ends(0), TypeError, "indices is an array of uint64, must be of"),
        (b"abc", ends(0, 3), indices(0, 1), IndexError, r"indices\[1\] is 1, must be in \[0, 1\)"),
        (b"abc", ends(0, 3), indices(-1), IndexError, r"indices\[0\] is -1, must be in \[0, 1\)"),
        (
            b"abc",
            ends(0, 2, 1),
            indices(0, 1),
            ValueError,
            r"offsets\[1\] and offsets\[2\] are 2 and 1, must ascend in \[0, 3\]",
        ),
        (
            b"abc",
            ends(0, 4),
            indices(0),
            ValueError,
            r"offsets\[0\] and offsets\[1\] are 0 and 4, must ascend in \[0, 3\]",
        ),
        (b"abc", ends(2**64 - 2, 2**64 - 1), indices(0), ValueError, "must ascend"),
        (b"a\xff", ends(0, 1, 2), indices(0, 1), ValueError, r"at indices\[1\], 1, is not UTF-8"),
    ],
)
def test_what_is_wrong_is_named(
    text: object, offsets: object, order: object, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        IdColumn.gather(text, offsets, order)  # type: ignore[arg-type]


def test_ids_that_no_index_names_are_not_looked_at() -> None:
    column = IdColumn.gather(b"a\xffb", ends(0, 1, 2, 3, 9), indices(2, 0))
    assert column.tolist() == ["b", "a"]
