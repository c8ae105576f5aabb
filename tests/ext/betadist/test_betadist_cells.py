"""The cells that draws are counted in: their probabilities against integrals of the density."""

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.ext.betadist.cells import Pair, equal_cells, unseen
from tests.ext.betadist.grid import PAIRS


def upper_end(edge: NDArray) -> mp.mpf:
    """The edge and half an ulp, as doubles hold it: beyond 1/2 by its distance from 1."""
    half = float(np.spacing(edge)) / 2
    edge = float(edge)
    return mp.mpf(edge + half) if edge < 0.5 else 1 - mp.mpf((1 - edge) - half)


def integral(pair: Pair, low: mp.mpf, high: mp.mpf) -> mp.mpf:
    """P(low < X < high), over ln x where the cell lies below 1/2 and over ln(1 - x) above."""
    a, b = mp.mpf(pair.alpha), mp.mpf(pair.beta)
    scale = mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)
    if high > 0.5:
        a, b, low, high = b, a, 1 - high, 1 - low
    ends = [mp.log(low), mp.log(high)]
    return mp.quad(lambda y: mp.exp(scale + a * y + (b - 1) * mp.log1p(-mp.exp(y))), ends)


def tolerance(pair: Pair) -> float:
    """Of the incomplete beta function; a cell's count has a standard error of 6e-3 at 1e8 draws."""
    return 2e-4 if pair[1:] == (2, 1e9) else 3e-8 if max(pair[1:]) >= 1e9 else 1e-9


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(map(str, pair)))
def test_probabilities_of_cells_are_integrals_of_the_density(pair: Pair) -> None:
    cells = equal_cells(pair, unseen(pair, 10**8))
    with mp.workdps(40):
        for i in np.linspace(1, len(cells.edges) - 1, 6).astype(int).tolist():
            exact = integral(pair, *map(upper_end, cells.edges[i - 1 : i + 1]))
            assert abs((cells.below[i] - cells.below[i - 1]) / exact - 1) < tolerance(pair)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(map(str, pair)))
def test_cells_hold_enough_draws_and_add_up(pair: Pair) -> None:
    draws = unseen(pair, 10**6)
    cells = equal_cells(pair, draws)
    shares = np.diff(cells.below, prepend=0, append=1)
    assert len(shares) > 30
    assert shares.min() * draws > 50
    assert np.all(np.diff(cells.edges) > 0)
