"""The two formats of floating-point numbers and the coefficients of their polynomials.

The very numbers of `ext/betadist/coefficients.hpp`, highest power first.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["DOUBLE", "SINGLE", "Format", "format_of"]


@dataclass(frozen=True, slots=True)
class Format:
    """A type, its layout, and coefficients fitted for it."""

    real: Any
    bits: Any
    mantissa: int
    bias: int
    log: tuple[float, ...]  # (2 atanh(s) - 2 s) / s^3 in s^2
    exp: tuple[float, ...]  # (e^r - 1 - r) / r^2 in r
    remainder: tuple[float, ...]  # (t - t^2/2 + t^3/3 - ln(1 + t)) / t^4 in t
    sin: tuple[float, ...]  # sin(x pi/2) / x in x^2
    cos: tuple[float, ...]  # (cos(x pi/2) - 1) / x^2 in x^2
    ln2_high: float
    ln2_low: float
    log2_e: float
    sqrt_half: float
    rounder: float  # adding it rounds to an integer
    exp_floor: float  # 100 exp(this) is 0


SINGLE = Format(
    real=np.float32,
    bits=np.uint32,
    mantissa=23,
    bias=127,
    log=(0.2957995, 0.3998878, 0.66666687),
    exp=(0.0013926176, 0.008363173, 0.041666556, 0.16666578, 0.5),
    remainder=(
        *(0.09426381, -0.102670774, 0.09947412, -0.11054538, 0.12500924),
        *(-0.14286707, 0.16666663, -0.19999996, 0.25),
    ),
    sin=(-0.004602149, 0.07968022, -0.6459635, 1.5707964),
    cos=(0.0009067399, -0.020861529, 0.2536694, -1.2337005),
    ln2_high=0.6931472,
    ln2_low=-1.9046542e-09,
    log2_e=1.442695,
    sqrt_half=0.70710677,
    rounder=12582912.0,
    exp_floor=-120.0,
)

DOUBLE = Format(
    real=np.float64,
    bits=np.uint64,
    mantissa=52,
    bias=1023,
    log=(
        *(0.14616449685043406, 0.15331721600556042, 0.18182889125261723, 0.2222221113479508),
        *(0.28571428625975487, 0.39999999999899505, 0.666666666666667),
    ),
    exp=(
        *(2.5100375832561234e-08, 2.7620075879983367e-07, 2.7557268480310024e-06),
        *(2.4801521322368692e-05, 0.00019841269863040545, 0.0013888888917196719),
        *(0.008333333333330065, 0.041666666666624164, 0.16666666666666669, 0.5000000000000001),
    ),
    remainder=(
        *(-0.06193082355443905, 0.06495358745462305, -0.05086927821159214, 0.053714544643615435),
        *(-0.05893761366380126, 0.06261916962409597, -0.06666240599182703, 0.07142412104742464),
        *(-0.07692316990773097, 0.08333343045517523, -0.09090908977273991, 0.0999999988131122),
        *(-0.11111111111805276, 0.12500000000725028, -0.14285714285712656, 0.16666666666664964),
        *(-0.2, 0.25),
    ),
    sin=(
        *(5.633933781537854e-08, -3.59864335298231e-06, 0.0001604411507421909),
        *(-0.004681754132340976, 0.07969262624604301, -0.6459640975062443, 1.5707963267948966),
    ),
    cos=(
        *(-6.329396344967424e-09, 4.710678405505227e-07, -2.5202039028029178e-05),
        *(0.0009192602745468447, -0.020863480763340773, 0.2536695079010478, -1.2337005501361697),
    ),
    ln2_high=0.6931471805599453,
    ln2_low=2.3190468138462996e-17,
    log2_e=1.4426950408889634,
    sqrt_half=0.7071067811865476,
    rounder=6755399441055744.0,
    exp_floor=-800.0,
)


def format_of(dtype: Any) -> Format:
    """Return the format of float32 or float64."""
    return {4: SINGLE, 8: DOUBLE}[np.dtype(dtype).itemsize]
