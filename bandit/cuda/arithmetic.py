"""Arithmetic that rounds once an operation, and the way between numbers and their bits."""

from collections.abc import Callable
from typing import Any, NamedTuple

from bandit.cuda.formats import Format
from bandit.cuda.target import SIMULATED

__all__ = ["Arithmetic", "exact_arithmetic", "fast_arithmetic"]


class Arithmetic(NamedTuple):
    """Functions of Reals of one format."""

    add: Callable[..., Any]
    sub: Callable[..., Any]
    mul: Callable[..., Any]
    div: Callable[..., Any]
    sqrt: Callable[..., Any]
    fma: Callable[..., Any]  # a b + c, rounded once
    bits: Callable[..., Any]
    real: Callable[..., Any]
    from_unsigned: Callable[..., Any]  # of a Word, to nearest
    from_signed: Callable[..., Any]  # of a Word as two's complement


def exact_arithmetic(form: Format) -> Arithmetic:
    """Return IEEE arithmetic, which no compiler may contract, approximate or flush to zero."""
    if SIMULATED:
        from bandit.cuda.simulated import simulated_arithmetic

        return Arithmetic(**simulated_arithmetic(form))
    from bandit.cuda.intrinsics import rounding_intrinsics

    return Arithmetic(**rounding_intrinsics(form))


def fast_arithmetic(form: Format) -> Arithmetic:
    """Return arithmetic that the compiler may contract and approximate."""
    if SIMULATED:
        return exact_arithmetic(form)
    from bandit.cuda.intrinsics import operators

    return Arithmetic(**operators(form))
