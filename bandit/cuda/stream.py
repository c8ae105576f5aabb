"""Which random bits feed which decision: the table of `ext/betadist/stream.hpp`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bandit.cuda.arithmetic import Arithmetic
from bandit.cuda.formats import Format
from bandit.cuda.target import Real, Word, device

__all__ = ["PROPOSAL", "REFINE", "SMALL", "Uniforms", "uniforms"]

PROPOSAL, SMALL, REFINE = np.uint32(0), np.uint32(1), np.uint32(2)

ELEVEN = np.uint32(11)
TWO = np.uint32(2)
LEADING = np.uint32(0x7FF)
WORD = np.uint64(0xFFFFFFFF)


class Uniforms(NamedTuple):
    """Uniforms made of the words of a block."""

    radius: Callable[..., Any]  # of w0, w1, in (0, 1]
    quarter: Callable[..., Any]  # of w2, w3, in (-1/2, 1/2) quarter turns
    bound: Callable[..., Any]  # of w1, w3: the least above what their 22 bits leave open
    acceptance: Callable[..., Any]  # of w1, w3 and the first word of REFINE, in (0, 1]
    long: Callable[..., Any]  # of two words, in (0, 1], of 64 bits


def uniforms(form: Format, m: Arithmetic) -> Uniforms:
    """Return the uniforms of a format."""
    radius, quarter, acceptance = (_double if form.mantissa == 52 else _single)(form, m)
    fma, from_unsigned, T = m.fma, m.from_unsigned, form.real
    p22, p32, p64, p65 = (T(2.0**-n) for n in (22, 32, 64, 65))

    @device()
    def bound(w1: Word, w3: Word) -> Real:
        return fma(from_unsigned(acceptance_bits(w1, w3)), p22, p22)

    @device()
    def long(high: Word, low: Word) -> Real:
        return fma(from_unsigned(high), p32, fma(from_unsigned(low), p64, p65))

    return Uniforms(radius, quarter, bound, acceptance, long)


@device()
def acceptance_bits(w1: Word, w3: Word) -> Word:
    """Return the leading 22 bits of the acceptance uniform."""
    return np.uint32(((w1 & LEADING) << ELEVEN) | (w3 & LEADING))


@device()
def _shifted(w2: Word) -> Word:
    return np.uint32(np.uint64(w2 << TWO) & WORD)


def _single(form: Format, m: Arithmetic) -> tuple[Callable[..., Any], ...]:
    fma, from_unsigned, from_signed, T = m.fma, m.from_unsigned, m.from_signed, form.real
    p22, p31, p32, p33, p43, p44 = (T(2.0**-n) for n in (22, 31, 32, 33, 43, 44))

    @device()
    def radius(w0: Word, w1: Word) -> Real:
        return fma(from_unsigned(w0), p32, p33)

    @device()
    def quarter(w2: Word, w3: Word) -> Real:
        return fma(from_signed(_shifted(w2)), p32, p31)

    @device()
    def acceptance(w1: Word, w3: Word, refined: Word) -> Real:
        tail = fma(from_unsigned(w1 >> ELEVEN), p43, p44)
        return fma(from_unsigned(acceptance_bits(w1, w3)), p22, tail)

    return radius, quarter, acceptance


def _double(form: Format, m: Arithmetic) -> tuple[Callable[..., Any], ...]:
    fma, from_unsigned, from_signed, T = m.fma, m.from_unsigned, m.from_signed, form.real
    p22, p32, p51, p52 = (T(2.0**-n) for n in (22, 32, 51, 52))
    p53, p54, p55 = (T(2.0**-n) for n in (53, 54, 55))

    @device()
    def radius(w0: Word, w1: Word) -> Real:
        return fma(from_unsigned(w0), p32, fma(from_unsigned(w1 >> ELEVEN), p53, p53))

    @device()
    def quarter(w2: Word, w3: Word) -> Real:
        tail = fma(from_unsigned(w3 >> ELEVEN), p51, p52)
        return fma(from_signed(_shifted(w2)), p32, tail)

    @device()
    def acceptance(w1: Word, w3: Word, refined: Word) -> Real:
        tail = fma(from_unsigned(refined), p54, p55)
        return fma(from_unsigned(acceptance_bits(w1, w3)), p22, tail)

    return radius, quarter, acceptance
