"""to_json of parts: bytes as they are, columns and numbers as arrays, all in one order."""

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idcolumn import IdColumn, numbers_to_json, to_json


@settings(deadline=None)
@given(
    ids=st.lists(st.text(max_size=40), min_size=1, max_size=80),
    data=st.data(),
    kind=st.sampled_from([np.float32, np.float64]),
)
def test_parts_are_joined_as_each_is_alone(ids: list[str], data: st.DataObject, kind: type) -> None:
    column = IdColumn.from_list(ids)
    numbers = np.random.default_rng(len(ids)).random(len(ids)).astype(kind)
    picks = data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=100))
    for order in (None, np.array(picks, np.int64)):
        text = to_json((b'{"a":', column, b',"b":', numbers, b"}"), order)
        assert text == b'{"a":%b,"b":%b}' % (column.to_json(order), numbers_to_json(numbers, order))
        chosen = ids if order is None else [ids[i] for i in picks]
        assert orjson.loads(text)["a"] == chosen


def test_ids_of_every_length_are_written() -> None:
    ids = ["x" * size for size in range(300)]
    assert to_json((IdColumn.from_list(ids),)) == orjson.dumps(ids)


def test_numbers_need_not_be_contiguous() -> None:
    numbers = np.arange(6, dtype=np.float32)
    assert to_json((numbers[::2], b"", numbers[::-2])) == b"[0.0,2.0,4.0][5.0,3.0,1.0]"
    assert to_json(()) == b""


def test_what_is_no_part_is_refused() -> None:
    column, numbers = IdColumn.from_list(["a", "b"]), np.ones(1)
    for part in ("text", [1.0], np.arange(3), None):
        with pytest.raises(TypeError, match="a part is a"):
            to_json((part,))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a part has 2 dimensions"):
        to_json((np.ones((2, 2)),))
    with pytest.raises(IndexError, match=r"order\[1\] is 1, must be in \[0, 1\)"):
        to_json((column, numbers), np.array([0, 1]))
    with pytest.raises(IndexError, match=r"order\[0\] is -1, must be in \[0, 2\)"):
        to_json((column,), np.array([-1]))
