"""Ranking."""

import numpy as np
import pytest

from bandit import rank

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("distinct", [3, 1000])
@pytest.mark.parametrize("k", [None, 1, 10, 400, 1000])
def test_best_first_and_ties_by_lane(dtype, distinct: int, k: int | None) -> None:
    scores = RNG.integers(0, distinct, 400).astype(dtype) / distinct
    lanes = RNG.integers(0, 2**64, 400, dtype=np.uint64)
    expected = sorted(range(400), key=lambda i: (-scores[i], lanes[i]))
    assert rank(scores, lanes, k).tolist() == expected[:k]


def test_nothing_to_rank() -> None:
    assert rank(np.zeros(0, np.float32), np.zeros(0, np.uint64), 3).tolist() == []
