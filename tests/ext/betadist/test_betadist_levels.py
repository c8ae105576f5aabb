"""Every level that this processor runs draws the bits of the scalar one."""

import numpy as np
import pytest

from betadist import _core
from tests.ext.betadist.shape_columns import ShapeColumns

KEY = 0xFEDC_BA98_7654_3210
LEVELS = _core.kernels()[1:]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("max_attempts", [0, 1, 2, _core.MAX_ATTEMPTS])
def test_levels_agree(mixed: ShapeColumns, level: str, dtype: str, max_attempts: int) -> None:
    expected = _core.sample_with("scalar", *mixed[:2], KEY, mixed.lanes, max_attempts=max_attempts)
    drawn = _core.sample_with(level, *mixed[:2], KEY, mixed.lanes, max_attempts=max_attempts)
    assert drawn.dtype == dtype
    assert drawn.tobytes() == expected.tobytes()


@pytest.mark.parametrize("level", LEVELS)
def test_levels_agree_without_lanes(mixed: ShapeColumns, level: str) -> None:
    expected = _core.sample_with("scalar", *mixed[:2], KEY)
    assert _core.sample_with(level, *mixed[:2], KEY).tobytes() == expected.tobytes()


@pytest.mark.parametrize("level", LEVELS)
def test_no_level_lets_order_or_neighbours_matter(mixed: ShapeColumns, level: str) -> None:
    expected = _core.sample_with("scalar", *mixed[:2], KEY, mixed.lanes)
    order = np.random.default_rng(23).permutation(len(expected))
    for size in (*range(1, 70), 257, 511, 512, 513, 1025, 5000, len(order)):
        some = np.roll(order, size)[:size]
        part = mixed.take(some)
        drawn = _core.sample_with(level, *part[:2], KEY, part.lanes)
        assert drawn.tobytes() == expected[some].tobytes(), size


@pytest.mark.parametrize("level", LEVELS)
def test_no_level_needs_columns_aligned_to_vectors(mixed: ShapeColumns, level: str) -> None:
    expected = _core.sample_with("scalar", *mixed[:2], KEY, mixed.lanes)
    for begin in range(1, 17):
        part = slice(begin, begin + 600)
        drawn = _core.sample_with(
            level, mixed.alpha[part], mixed.beta[part], KEY, mixed.lanes[part]
        )
        assert drawn.tobytes() == expected[part].tobytes()
