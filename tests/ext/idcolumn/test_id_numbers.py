"""Numbers as JSON."""

import json
import math

import numpy as np
import orjson
import pytest

from idcolumn import numbers_to_json

pytestmark = pytest.mark.usefixtures("each_level")

RNG = np.random.default_rng(11)
TENTHS = [m / 10**k for k in range(1, 8) for m in range(min(10**k, 2_000))]
POWERS = np.array([2.0**-i for i in range(150)], np.float32)


def read(values: np.ndarray) -> np.ndarray:
    """What a reader of the JSON gets, rounded to the values' dtype."""
    numbers = json.loads(numbers_to_json(values))
    return np.array([math.nan if n is None else n for n in numbers]).astype(values.dtype)


@pytest.mark.parametrize(
    "values",
    [
        RNG.integers(0, 2**32, 100_000, dtype=np.uint32).view(np.float32),
        RNG.integers(0, 2**64, 20_000, dtype=np.uint64).view(np.float64),
        RNG.beta(2, 30, 100_000).astype(np.float32),
        RNG.beta(2, 30, 20_000),
        (10 ** RNG.uniform(-7, 0, 100_000)).astype(np.float32),
        np.array(TENTHS, np.float32),
        np.concatenate([POWERS, np.nextafter(POWERS, np.float32(0))]),
        np.nextafter(POWERS, np.float32(1)),
    ],
    ids=["any float", "any double", "beta", "double beta", "small", "tenths", "below", "above"],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_they_are_given_back_exactly(values: np.ndarray) -> None:
    back = read(values)
    finite = np.isfinite(values)
    np.testing.assert_array_equal(back[finite], values[finite])
    assert np.isnan(back[~finite]).all()


def test_scores_have_no_digit_too_many() -> None:
    scores = RNG.uniform(1e-4, 1, 100_000).astype(np.float32)
    assert numbers_to_json(scores) == orjson.dumps(scores, option=orjson.OPT_SERIALIZE_NUMPY)


def test_round_numbers_look_round() -> None:
    values = np.array([0, 1, 0.5, 0.1, 0.01, 0.001, 0.25, 1e-5, 1e-38, 2, np.nan], np.float32)
    text = b"[0.0,1.0,0.5,0.1,0.01,0.001,0.25,1e-05,1e-38,2.0,null]"
    assert numbers_to_json(values) == text


def test_in_the_order_wanted() -> None:
    values = np.array([0.5, 0.25, 0.75])
    assert numbers_to_json(values, np.array([2, 0])) == b"[0.75,0.5]"
    assert numbers_to_json(values[::2]) == b"[0.5,0.75]"
    assert numbers_to_json(values, np.array([], np.int64)) == b"[]"


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 129, 400])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_number_of_them(dtype: type, count: int) -> None:
    values = np.append(RNG.beta(2, 30, count), [0.0, 1.0, 1e-7])[:count].astype(dtype)
    order = RNG.permutation(count)
    assert json.loads(numbers_to_json(values)) == [float(str(value)) for value in values]
    assert numbers_to_json(values, order) == numbers_to_json(values[order])


def test_a_digit_less_that_is_nearly_too_far_is_enough() -> None:
    value = np.array([float.fromhex("0x1.d16394p-11")], np.float32)
    assert numbers_to_json(value) == b"[0.000887659]"


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(TypeError, match="values is a list, must be an array"):
        numbers_to_json([0.5])
    with pytest.raises(TypeError, match="values is an array of int64"):
        numbers_to_json(np.arange(3))
    with pytest.raises(ValueError, match="values has 2 dimensions, must have 1"):
        numbers_to_json(np.ones((2, 2)))
    with pytest.raises(IndexError, match=r"order\[1\] is 3, must be in \[0, 3\)"):
        numbers_to_json(np.ones(3), np.array([0, 3]))
