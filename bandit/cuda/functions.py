"""Logarithm, exponential and sine: the polynomials of `ext/betadist/functions.hpp`."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from bandit.cuda.arithmetic import Arithmetic
from bandit.cuda.formats import Format
from bandit.cuda.target import SIMULATED, Bits, Real, device

__all__ = ["Functions", "fast_functions", "functions", "polynomial"]


class Functions(NamedTuple):
    """Functions of Reals of one format."""

    log: Callable[..., Any]  # of a positive normal number
    times_exp: Callable[..., Any]  # g exp y for y <= 0
    sin_cos: Callable[..., Any]  # of x quarter turns, |x| <= 1/2


def functions(form: Format, m: Arithmetic) -> Functions:
    """Return the functions of a format in that arithmetic."""
    return Functions(_log(form, m), _times_exp(form, m), _sin_cos(form, m))


def fast_functions(form: Format, m: Arithmetic) -> Functions:
    """Return approximate functions: float32's logarithm by the device's own, to 2e-7 absolute."""
    made = functions(form, m)
    if form.mantissa == 52:
        return made
    if SIMULATED:
        return made._replace(log=math.log)
    from bandit.cuda.intrinsics import approximate_log

    return made._replace(log=approximate_log)


def polynomial(form: Format, m: Arithmetic, coefficients: tuple[float, ...]) -> Callable[..., Any]:
    """Return Horner's rule, highest power first, as a chain of functions: a loop that has none."""
    fma = m.fma
    highest, *rest = (form.real(c) for c in coefficients)

    def then(inner: Callable[..., Any], coefficient: Any) -> Callable[..., Any]:
        @device()
        def sum_so_far(x: Real) -> Real:
            return fma(inner(x), x, coefficient)

        return sum_so_far

    first = rest[0]

    @device()
    def value(x: Real) -> Real:
        return fma(highest, x, first)

    for coefficient in rest[1:]:
        value = then(value, coefficient)
    return value


def _log(form: Format, m: Arithmetic) -> Callable[..., Any]:
    add, sub, mul, div, fma, bits, real = m.add, m.sub, m.mul, m.div, m.fma, m.bits, m.real
    T, U = form.real, form.bits
    series = polynomial(form, m, form.log)
    one, two, unbias = T(1), T(2), T(2.0**form.mantissa + form.bias)
    ln2_high, ln2_low = T(form.ln2_high), T(form.ln2_low)
    low = T(form.sqrt_half).view(U)
    above_low = U(form.bias << form.mantissa) - low
    huge = U((form.bias + form.mantissa) << form.mantissa)
    mantissa, fraction_bits = U(form.mantissa), U((1 << form.mantissa) - 1)

    @device()
    def log(x: Real) -> Real:
        shifted = U(bits(x) + above_low)
        e = sub(real(U((shifted >> mantissa) | huge)), unbias)
        f = sub(real(U((shifted & fraction_bits) + low)), one)
        s = div(f, add(f, two))
        y = mul(s, s)
        ln_m = fma(mul(s, y), series(y), add(s, s))
        return fma(e, ln2_high, fma(e, ln2_low, ln_m))

    return log


def _times_exp(form: Format, m: Arithmetic) -> Callable[..., Any]:
    add, sub, mul, fma, bits, real = m.add, m.sub, m.mul, m.fma, m.bits, m.real
    T, U = form.real, form.bits
    series = polynomial(form, m, form.exp)
    one, half_, floor, mantissa = T(1), T(0.5), T(form.exp_floor), U(form.mantissa)
    rounder, scale = T(form.rounder), T(form.rounder + form.bias)
    log2_e, ln2_high, ln2_low = T(form.log2_e), T(-form.ln2_high), T(-form.ln2_low)

    @device()
    def power(k: Real) -> Real:
        scaled: Bits = bits(add(k, scale))
        return real(U(scaled << mantissa))

    @device()
    def times_exp(g: Real, y: Real) -> Real:
        if y < floor:
            y = floor
        k = sub(fma(y, log2_e, rounder), rounder)
        r = fma(k, ln2_low, fma(k, ln2_high, y))
        factor = add(fma(mul(r, r), series(r), r), one)
        half = sub(fma(k, half_, rounder), rounder)
        return mul(mul(mul(g, factor), power(half)), power(sub(k, half)))

    return times_exp


def _sin_cos(form: Format, m: Arithmetic) -> Callable[..., Any]:
    mul, fma, one = m.mul, m.fma, form.real(1)
    sine = polynomial(form, m, form.sin)
    cosine = polynomial(form, m, form.cos)

    @device()
    def sin_cos(x: Real) -> tuple[Real, Real]:
        y = mul(x, x)
        return mul(x, sine(y)), fma(y, cosine(y), one)

    return sin_cos
