"""Another thread that writes to a call's arrays meanwhile gets odd draws or an error, no more."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from numpy.typing import NDArray

import betadist

N = 50_000
CALLS = 60


@contextmanager
def disturbed(column: NDArray, *contents: NDArray) -> Iterator[None]:
    """Overwrite a column again and again, without the GIL, until the block ends."""
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            for content in contents:
                np.copyto(column, content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def test_lanes_that_change_leave_positions_within_the_arrays() -> None:
    shapes = np.full(N, 1e300)  # all draws are 1/2: the lanes alone decide
    lanes = np.arange(N, dtype=np.uint64)
    with disturbed(lanes, lanes[::-1].copy(), lanes.copy()):
        for k in (10, 1000, N) * (CALLS // 3):
            indices, values = betadist.sample_top_k(shapes, shapes, k, k, lanes)
            assert np.all((indices >= 0) & (indices < N))
            assert np.all(values == 0.5)


@pytest.mark.parametrize(
    "draw",
    [
        lambda alpha, beta: betadist.sample(alpha, beta, 1),
        lambda alpha, beta: betadist.sample_top_k(alpha, beta, 1, 100)[1],
    ],
)
def test_shapes_that_change_are_refused_or_drawn_from(
    draw: Callable[[NDArray, NDArray], NDArray],
) -> None:
    alpha, beta = np.ones(N), np.ones(N)
    refused = 0
    with disturbed(alpha, np.full(N, np.nan), np.ones(N)):
        while refused < CALLS:
            with suppress(ValueError, RuntimeError):
                drawn = draw(alpha, beta)
                assert np.all((drawn >= 0) & (drawn <= 1))
                continue
            refused += 1
