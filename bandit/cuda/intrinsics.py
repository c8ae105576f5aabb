"""Arithmetic on the device.

NVVM contracts a * b + c to an fma unless it is told not to, and Numba can't tell it. Operations of
libdevice that name their rounding (mul.rn, add.rn) are never contracted, by NVVM or by ptxas.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda
from numba.cuda import libdevice

from bandit.cuda.formats import Format
from bandit.cuda.target import Bits, Real, Word, device

__all__ = ["approximate_log", "operators", "rounding_intrinsics"]


def rounding_intrinsics(form: Format) -> dict[str, Callable[..., Any]]:
    """Return the functions of an `Arithmetic` that are pinned to IEEE's to nearest."""
    single = form.mantissa == 23
    d = libdevice
    plus = d.fadd_rn if single else d.dadd_rn
    times = d.fmul_rn if single else d.dmul_rn
    over = d.fdiv_rn if single else d.ddiv_rn
    root = d.fsqrt_rn if single else d.dsqrt_rn
    fused = d.fmaf_rn if single else d.fma_rn

    @device()
    def add(a: Real, b: Real) -> Real:
        return plus(a, b)

    @device()
    def sub(a: Real, b: Real) -> Real:
        return plus(a, -b)

    @device()
    def mul(a: Real, b: Real) -> Real:
        return times(a, b)

    @device()
    def div(a: Real, b: Real) -> Real:
        return over(a, b)

    @device()
    def sqrt(a: Real) -> Real:
        return root(a)

    @device()
    def fma(a: Real, b: Real, c: Real) -> Real:
        return fused(a, b, c)

    pinned: dict[str, Callable[..., Any]] = {
        "add": add,
        "sub": sub,
        "mul": mul,
        "div": div,
        "sqrt": sqrt,
        "fma": fma,
    }
    return {**pinned, **_conversions(form, fast=False)}


@device(fast=True)
def approximate_log(x: Real) -> Real:
    """Return ln x of a float32."""
    return libdevice.fast_logf(x)


def operators(form: Format) -> dict[str, Callable[..., Any]]:
    """Return the functions of an `Arithmetic` for code under fast-math."""
    zero = form.real(0)

    @device(fast=True)
    def add(a: Real, b: Real) -> Real:
        return a + b

    @device(fast=True)
    def sub(a: Real, b: Real) -> Real:
        return a - b

    @device(fast=True)
    def mul(a: Real, b: Real) -> Real:
        return a * b

    @device(fast=True)
    def div(a: Real, b: Real) -> Real:
        return a / b

    @device(fast=True)
    def sqrt(a: Real) -> Real:
        return math.sqrt(max(a, zero))  # an approximate logarithm of 1 may be > 0

    @device(fast=True)
    def fma(a: Real, b: Real, c: Real) -> Real:
        return cuda.fma(a, b, c)

    plain: dict[str, Callable[..., Any]] = {
        "add": add,
        "sub": sub,
        "mul": mul,
        "div": div,
        "sqrt": sqrt,
        "fma": fma,
    }
    return {**plain, **_conversions(form, fast=True)}


def _conversions(form: Format, fast: bool) -> dict[str, Callable[..., Any]]:
    single = form.mantissa == 23
    d = libdevice
    as_integer = d.float_as_int if single else d.double_as_longlong
    as_real = d.int_as_float if single else d.longlong_as_double
    unsigned_to = d.uint2float_rn if single else d.uint2double_rn
    signed_to = d.int2float_rn if single else d.int2double_rn
    unsigned, signed = form.bits, np.int32 if single else np.int64

    @device(fast)
    def bits(a: Real) -> Bits:
        return unsigned(as_integer(a))

    @device(fast)
    def real(a: Bits) -> Real:
        return as_real(signed(a))

    @device(fast)
    def from_unsigned(a: Word) -> Real:
        return unsigned_to(np.int32(a))

    @device(fast)
    def from_signed(a: Word) -> Real:
        return signed_to(np.int32(a))

    return {
        "bits": bits,
        "real": real,
        "from_unsigned": from_unsigned,
        "from_signed": from_signed,
    }
