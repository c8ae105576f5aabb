"""The level that columns are hashed and numbers written by can be set."""

import pytest

from idcolumn import _core

LEVELS = _core.levels()


def test_a_level_stays_until_another_is_set(each_level: str) -> None:
    assert _core.set_simd_level(LEVELS[-1]) == each_level
    assert _core.set_simd_level(each_level) == LEVELS[-1]


@pytest.mark.parametrize("name", ["sse9", "PLAIN", ""])
def test_an_unknown_level_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        _core.set_simd_level(name)
