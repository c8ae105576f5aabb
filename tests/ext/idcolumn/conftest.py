"""The levels of instructions that this processor runs."""

from collections.abc import Iterator

import pytest

from idcolumn import _core


@pytest.fixture(params=_core.levels())
def each_level(request: pytest.FixtureRequest) -> Iterator[str]:
    """Have columns hashed and numbers written by one level after the other."""
    before = _core.set_simd_level(request.param)
    yield request.param
    _core.set_simd_level(before)
