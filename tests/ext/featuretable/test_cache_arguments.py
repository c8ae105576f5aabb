"""What FeatureCache refuses, and how it says so."""

from collections.abc import Callable

import numpy as np
import pytest

from featuretable import FeatureCache
from tests.ext.featuretable.columns import frozen, misaligned, random_keys

LOW, HIGH = random_keys(4, seed=1)
VALUES, STATES, FOUND = np.zeros((4, 2)), np.zeros(4, np.uint8), np.ones(4, np.bool_)
GOOD = {"features": 2, "max_rows": 5, "ttl_ms": 10, "negative_ttl_ms": 10, "stale_ms": 10}
LATEST = 2**48 - 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"features": 0}, r"features is 0, must be in \[1, 65536\]"),
        ({"features": 65_537}, "features is 65537, must be in"),
        ({"max_rows": 0}, r"max_rows is 0, must be in \[1, "),
        ({"max_rows": 2**64}, "max_rows is 18446744073709551616, must be in"),
        ({"ttl_ms": -1}, rf"ttl_ms is -1, must be in \[0, {LATEST}\]"),
        ({"negative_ttl_ms": LATEST + 1}, f"negative_ttl_ms is {LATEST + 1}, must be in"),
        ({"stale_ms": -5}, "stale_ms is -5, must be in"),
        ({"ttl_ms": float("nan")}, "ttl_ms is nan, must be in"),
    ],
)
def test_a_wrong_bound_or_limit_is_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureCache(**(GOOD | wrong))


@pytest.mark.parametrize("wrong", [{"ttl_ms": 1.5}, {"max_rows": "5"}, {"stale_ms": None}])
def test_bounds_and_limits_are_integers(wrong: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        FeatureCache(**(GOOD | wrong))


def test_the_cache_says_what_it_was_made_with() -> None:
    cache = FeatureCache(**GOOD)
    assert {name: getattr(cache, name) for name in GOOD} == GOOD


LOOKUPS = [
    (("ab", HIGH, 0, VALUES, STATES), TypeError, "hashes is a str"),
    ((LOW.view(np.int64), HIGH, 0, VALUES, STATES), TypeError, "hashes is an array of int64"),
    ((LOW, HIGH[:3], 0, VALUES, STATES), ValueError, r"fingerprints has shape \(3,\)"),
    ((LOW, misaligned(), 0, VALUES, STATES), ValueError, "fingerprints is not aligned"),
    ((LOW, HIGH, -1, VALUES, STATES), ValueError, "now_ms is -1, must be in"),
    ((LOW, HIGH, LATEST + 1, VALUES, STATES), ValueError, f"now_ms is {LATEST + 1}, must be"),
    ((LOW, HIGH, 0.5, VALUES, STATES), TypeError, "float"),
    ((LOW, HIGH, 0, np.zeros((4, 3)), STATES), ValueError, r"values has shape \(4, 3\), must"),
    ((LOW, HIGH, 0, frozen(VALUES), STATES), ValueError, "values is read-only"),
    ((LOW, HIGH, 0, VALUES, FOUND), TypeError, "states is an array of bool, must be of uint8"),
    ((LOW, HIGH, 0, VALUES, STATES[:2]), ValueError, r"states has shape \(2,\), must be \(4,\)"),
    ((LOW, HIGH, 0, VALUES, frozen(STATES)), ValueError, "states is read-only"),
]
UPSERTS = [
    ((LOW[:1], HIGH, 0, VALUES, FOUND), ValueError, "fingerprints has shape"),
    ((LOW, HIGH, LATEST + 1, VALUES, FOUND), ValueError, "now_ms is"),
    ((LOW, HIGH, 0, VALUES.T.copy(), FOUND), ValueError, r"values has shape \(2, 4\)"),
    ((LOW, HIGH, 0, VALUES.astype(np.float32), FOUND), TypeError, "values is an array of float32"),
    ((LOW, HIGH, 0, VALUES, STATES), TypeError, "found is an array of uint8, must be of bool"),
    ((LOW, HIGH, 0, VALUES, FOUND[:3]), ValueError, r"found has shape \(3,\)"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), LOOKUPS)
def test_a_lookup_refuses_by_name(
    arguments: tuple[object, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        FeatureCache(**GOOD).lookup(*arguments)


@pytest.mark.parametrize(("arguments", "error", "message"), UPSERTS)
def test_an_upsert_refuses_by_name_and_writes_nothing(
    arguments: tuple[object, ...], error: type[Exception], message: str
) -> None:
    cache = FeatureCache(**GOOD)
    with pytest.raises(error, match=message):
        cache.upsert(*arguments)
    assert len(cache) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda cache: cache.release(LOW, HIGH[:2]),
        lambda cache: cache.remove(LOW[:1], HIGH),
    ],
)
def test_release_and_remove_check_their_keys(call: Callable[[FeatureCache], int]) -> None:
    with pytest.raises(ValueError, match="has shape"):
        call(FeatureCache(**GOOD))


def test_the_cache_takes_read_only_inputs() -> None:
    cache = FeatureCache(**GOOD)
    inputs = [frozen(array) for array in (LOW, HIGH, VALUES, FOUND)]
    assert cache.upsert(inputs[0], inputs[1], 0, inputs[2], inputs[3]) == 0
    assert cache.lookup(inputs[0], inputs[1], 0, VALUES.copy(), STATES.copy()).found == 4
