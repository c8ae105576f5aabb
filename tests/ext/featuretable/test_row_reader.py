"""Rows in answers of the Redis protocol."""

import numpy as np
import pytest

from featuretable import RowReader

ROW = b"$16\r\n" + np.array([2.5, 30.0], "<f8").tobytes() + b"\r\n"
NOTHING = b"$-1\r\n"


def test_rows_are_read_wherever_a_text_ends() -> None:
    text = b"*3\r\n" + ROW + NOTHING + ROW + b"*1\r\n" + NOTHING
    for end in range(len(text)):
        reader = RowReader(4, 3, 2)
        stop = reader.read(text[:end], 0)
        assert 0 <= stop <= end
        assert not reader.complete
        assert reader.read(text + b"more", stop) == len(text)
        assert reader.complete
        assert reader.found.tolist() == [True, False, True, False]
        assert reader.values[reader.found].tolist() == [[2.5, 30.0], [2.5, 30.0]]
        assert np.isnan(reader.values[~reader.found]).all()


@pytest.mark.parametrize("features", [1, 2, 3, 1250])
def test_rows_have_any_number_of_features(features: int) -> None:
    rows = np.random.default_rng(7).random((5, features))
    texts = [b"$%d\r\n%b\r\n" % (8 * features, row.tobytes()) for row in rows]
    reader = RowReader(5, 5, features)
    text = b"*5\r\n" + b"".join(texts)
    assert reader.read(b"before" + text, 6) == 6 + len(text)
    assert reader.found.all()
    assert (reader.values == rows).all()


def test_no_rows_are_complete() -> None:
    reader = RowReader(0, 100, 2)
    assert reader.complete
    assert reader.read(b"+OK\r\n", 0) == 0


@pytest.mark.parametrize(
    "text",
    [
        b"+",
        b"-ERR\r\n",
        b"*3\r\n",
        b"*22",
        b"*2\r\n*",
        b"*2\r\n:1\r\n",
        b"*2\r\n$8\r\n",
        b"*2\r\n$160\r\n",
        b"*2\r\n$-2\r\n",
        b"*2\r\n$016\r\n",
        b"*2\r\n" + ROW[:-2] + b"xx",
        b"*2\r\n" + ROW + NOTHING + b"*2\r\n",
    ],
)
def test_what_is_no_row_ends_the_reader(text: bytes) -> None:
    reader = RowReader(3, 2, 2)
    assert reader.read(text, 0) == -1
    assert reader.read(ROW, 0) == -1
    assert not reader.complete


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="rows is -1, must be in"):
        RowReader(-1, 100, 2)
    with pytest.raises(ValueError, match="most is 0, must be in"):
        RowReader(1, 0, 2)
    with pytest.raises(ValueError, match="features is 0, must be in"):
        RowReader(1, 100, 0)
    with pytest.raises(ValueError, match=r"start is 5, must be in \[0, 4\]"):
        RowReader(1, 100, 1).read(b"*1\r\n", 5)
    with pytest.raises(TypeError):
        RowReader(1, 100, 1).read("text", 0)  # type: ignore[arg-type]
