"""Seeded draws are for ever: known answers, pinned draws, and the self test that repeats them."""

import numpy as np
import pytest

import betadist
from betadist import _core, golden


@pytest.mark.parametrize(("counter", "key", "block"), golden.BLOCKS)
def test_philox_known_answers(counter: tuple[int, ...], key: int, block: tuple[int, ...]) -> None:
    assert _core.philox(counter, key) == block


@pytest.mark.parametrize("pinned", golden.DRAWS, ids=lambda g: f"{g.dtype} {g.path}")
@pytest.mark.parametrize("kernel", _core.kernels())
def test_every_kernel_draws_what_is_pinned(pinned: golden.Golden, kernel: str) -> None:
    alpha = np.array([pinned.alpha], pinned.dtype)
    beta = np.array([pinned.beta], pinned.dtype)
    lanes = np.array([pinned.lane], np.uint64)
    drawn = _core.sample_with(kernel, alpha, beta, golden.KEY, lanes)[0]
    assert float(drawn) == float.fromhex(pinned.draw)


def attempts_needed(pinned: golden.Golden) -> int:
    """The bound on attempts from which the pinned draw comes out."""
    alpha = np.array([pinned.alpha], pinned.dtype)
    beta = np.array([pinned.beta], pinned.dtype)
    lanes = np.array([pinned.lane], np.uint64)
    for bound in range(4):
        drawn = _core.sample_with("scalar", alpha, beta, golden.KEY, lanes, max_attempts=bound)
        if float(drawn[0]) == float.fromhex(pinned.draw):
            return bound
    raise AssertionError(f"{pinned} needs more attempts")


@pytest.mark.parametrize(
    ("path", "bound"),
    [
        ("accepted at once", 0),
        ("accepted by the logarithm", 1),
        ("rejected once", 2),
        ("rejected twice", 3),
        ("both < 1, rejected once", 2),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pinned_draws_take_the_path_they_name(path: str, bound: int, dtype: str) -> None:
    (pinned,) = [g for g in golden.DRAWS if (g.path, g.dtype) == (path, dtype)]
    assert attempts_needed(pinned) == bound


def test_self_test_passes() -> None:
    betadist.self_test()


@pytest.mark.parametrize("row", range(0, len(golden.DRAWS), 7))
def test_self_test_notices_one_changed_bit(row: int) -> None:
    pinned = golden.DRAWS[row]
    value = np.array([float.fromhex(pinned.draw)])
    changed = float((value.view(np.uint64) ^ 1).view(np.float64)[0])
    with pytest.raises(RuntimeError, match="is drawn as"):
        golden.check((*golden.DRAWS[:row], pinned._replace(draw=changed.hex())))


def test_stream_version_is_the_one_pinned_here() -> None:
    assert betadist.STREAM_VERSION == 1


def test_public_names() -> None:
    assert betadist.__all__ == [
        "STREAM_VERSION",
        "cpu_quota",
        "kernels",
        "part",
        "rank",
        "sample",
        "sample_top_k",
        "self_test",
        "simd_level",
    ]
