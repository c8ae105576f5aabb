"""Rows as stores keep them, and rows that can't be used."""

import math

import numpy as np
import pytest

from featuretable import count, screen, unpack

ROW = np.array([2.5, 30.0], "<f8").tobytes()


def test_rows_are_unpacked() -> None:
    values, found, misfits = unpack([ROW, None, ROW[:8], b"", ROW], 2)
    assert found.tolist() == [True, False, False, False, True]
    assert misfits == 2
    assert values[found].tolist() == [[2.5, 30.0], [2.5, 30.0]]
    assert np.isnan(values[~found]).all()


def test_no_rows() -> None:
    values, found, misfits = unpack([], 3)
    assert values.shape == (0, 3)
    assert found.shape == (0,)
    assert misfits == 0


@pytest.mark.parametrize("wrong", [1, "text", bytearray(16), [ROW]])
def test_what_is_no_row_is_named(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"stored\[1\] is .*, must be bytes or None"):
        unpack([ROW, wrong], 2)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("column", [0, 1])
def test_rows_with_an_unusable_value_are_not_found(wrong: float, column: int) -> None:
    values, found = np.full((3, 2), 0.5), np.array([True, True, False])
    values[1:, column] = wrong
    assert screen(values, found) == 1
    assert found.tolist() == [True, False, False]
    assert values[0].tolist() == [0.5, 0.5]
    assert np.isnan(values[1:]).all()


def test_usable_rows_stay_as_they_are() -> None:
    values, found = np.array([[5e-324, 1.7e308], [1.0, 2.0]]), np.array([True, False])
    assert screen(values, found) == 0
    assert found.tolist() == [True, False]
    assert values[0].tolist() == [5e-324, 1.7e308]
    assert np.isnan(values[1]).all()


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(TypeError, match="values must be an array of float64 of 2 dimensions"):
        screen(np.ones(3), np.ones(3, bool))
    with pytest.raises(TypeError, match="found is an array of int64, must be of bool"):
        screen(np.ones((3, 2)), np.ones(3, np.int64))
    with pytest.raises(ValueError, match=r"found has shape \(2,\), must be \(3,\)"):
        screen(np.ones((3, 2)), np.ones(2, bool))
    with pytest.raises(ValueError, match="features is 0, must be in"):
        unpack([], 0)


def test_what_is_not_zero_is_counted() -> None:
    assert count(np.array([True, False, True])) == 2
    assert count(np.array([[0, 3], [2, 1]], np.uint8)) == 3
    assert count(np.zeros(0, np.bool_)) == 0
    with pytest.raises(TypeError, match="mask is a list, must be an array"):
        count([True])
