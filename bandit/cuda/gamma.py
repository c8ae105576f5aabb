"""Two gammas from one block: Marsaglia and Tsang 2000, doi 10.1145/358407.358414, as in betadist.

`ext/betadist/README.md` derives every step; `gamma.hpp` and `kernel.hpp` have the same operations
in the same order.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bandit.cuda.arithmetic import Arithmetic
from bandit.cuda.formats import Format
from bandit.cuda.functions import Functions, polynomial
from bandit.cuda.philox import philox
from bandit.cuda.stream import PROPOSAL, REFINE, SMALL, Uniforms
from bandit.cuda.target import Real, Word, device

__all__ = ["Gammas", "gammas"]

ATTEMPT = np.uint32(8)
TOP = np.uint32(31)
SWAP = np.uint32(30)
BIT = np.uint32(1)
ALL = np.uint32(0xFFFFFFFF)


class Gammas(NamedTuple):
    """What a kernel does with one lane."""

    propose: Callable[..., Any]  # (key, lane, a, b) -> gamma, gamma, surely accepted
    settle: Callable[..., Any]  # (key, lane, a, b, attempt) -> gamma, gamma, accepted
    centre: Callable[..., Any]  # (shape) -> gamma of a lane out of attempts
    boost: Callable[..., Any]  # (key, lane, a, b, gamma, gamma) -> gamma, gamma
    ratio: Callable[..., Any]  # (gamma, gamma) -> draw


def gammas(form: Format, m: Arithmetic, f: Functions, u: Uniforms) -> Gammas:
    """Return the steps of a draw in a format."""
    add, mul, div = m.add, m.mul, m.div
    centre_of, pair, candidate = _centre_of(form, m), _pair(form, m, f, u), _candidate(form, m)
    squeeze, exponent = _squeeze(form, m), _exponent(form, m, f)
    log, bound, acceptance, refines = f.log, u.bound, u.acceptance, form.mantissa == 52
    T = form.real
    zero, one, quarter, least = T(0), T(1), T(0.25), T(0.55)
    sub = m.sub

    @device()
    def quarter_of(d: Real, base: Real) -> Real:
        return mul(mul(d, quarter), mul(mul(base, base), base))

    @device()
    def propose(key: Word, lane: Word, a: Real, b: Real) -> tuple[Real, Real, bool]:
        d1, d2 = centre_of(a), centre_of(b)
        w0, w1, w2, w3 = philox(key, lane, PROPOSAL)
        z1, z2 = pair(w0, w1, w2, w3)
        x1, t1, base1 = candidate(d1, z1)
        x2, t2, base2 = candidate(d2, z2)
        open_below = sub(one, add(squeeze(x1, t1), squeeze(x2, t2)))
        sure = bound(w1, w3) < open_below and base1 > least and base2 > least
        return quarter_of(d1, base1), quarter_of(d2, base2), sure

    @device()
    def settle(key: Word, lane: Word, a: Real, b: Real, attempt: Word) -> tuple[Real, Real, bool]:
        d1, d2 = centre_of(a), centre_of(b)
        shifted = np.uint32(np.uint32(attempt) << ATTEMPT)
        w0, w1, w2, w3 = philox(key, lane, np.uint32(shifted | PROPOSAL))
        z1, z2 = pair(w0, w1, w2, w3)
        x1, t1, base1 = candidate(d1, z1)
        x2, t2, base2 = candidate(d2, z2)
        refined = w0
        if refines:
            refined, _, _, _ = philox(key, lane, np.uint32(shifted | REFINE))
        threshold = add(exponent(d1, x1, t1, base1), exponent(d2, x2, t2, base2))
        taken = log(acceptance(w1, w3, refined)) < threshold and base1 > zero and base2 > zero
        return quarter_of(d1, base1), quarter_of(d2, base2), taken

    @device()
    def centre(shape: Real) -> Real:
        return mul(centre_of(shape), quarter)

    @device()
    def ratio(first: Real, second: Real) -> Real:
        return div(first, add(first, second))

    return Gammas(propose, settle, centre, _boost(form, m, f, u), ratio)


def _centre_of(form: Format, m: Arithmetic) -> Callable[..., Any]:
    add, one = m.add, form.real(1)
    raised, lowered = form.real(2.0 / 3), form.real(-1.0 / 3)

    @device()
    def centre_of(shape: Real) -> Real:
        return add(shape, raised if shape < one else lowered)

    return centre_of


def _pair(form: Format, m: Arithmetic, f: Functions, u: Uniforms) -> Callable[..., Any]:
    mul, sqrt, log, sin_cos = m.mul, m.sqrt, f.log, f.sin_cos
    radius_uniform, quarter_uniform, minus_two = u.radius, u.quarter, form.real(-2)

    @device()
    def pair(w0: Word, w1: Word, w2: Word, w3: Word) -> tuple[Real, Real]:
        sine, cosine = sin_cos(quarter_uniform(w2, w3))
        radius = sqrt(mul(minus_two, log(radius_uniform(w0, w1))))
        turned = -radius if (w2 >> TOP) != 0 else radius
        if ((w2 >> SWAP) & BIT) != 0:
            return mul(turned, sine), mul(turned, cosine)
        return mul(turned, cosine), mul(turned, sine)

    return pair


def _candidate(form: Format, m: Arithmetic) -> Callable[..., Any]:
    add, mul, div, sqrt = m.add, m.mul, m.div, m.sqrt
    third, one = form.real(1.0 / 3), form.real(1)

    @device()
    def candidate(d: Real, z: Real) -> tuple[Real, Real, Real]:
        """Return (z / 3)^2 = d t^2, t = z / (3 sqrt d) and 1 + t."""
        x = mul(z, third)
        t = div(x, sqrt(d))
        return mul(x, x), t, add(one, t)

    return candidate


def _squeeze(form: Format, m: Arithmetic) -> Callable[..., Any]:
    add, mul, zero, share = m.add, m.mul, form.real(0), form.real(0.75)

    @device()
    def squeeze(x2: Real, t: Real) -> Real:
        return mul(mul(x2, mul(t, t)), add(share, -t if t < zero else t))

    return squeeze


def _exponent(form: Format, m: Arithmetic, f: Functions) -> Callable[..., Any]:
    mul, fma, log, T = m.mul, m.fma, f.log, form.real
    remainder = polynomial(form, m, form.remainder)
    near, minus_three, three, third = T(0.25), T(-3), T(3), T(1.0 / 3)
    minus_half, one, floor = T(-0.5), T(1), T(2.0**-60)

    @device()
    def exponent(d: Real, x2: Real, t: Real, base: Real) -> Real:
        if -near < t < near:
            return mul(mul(mul(minus_three, x2), mul(t, t)), remainder(t))
        slope = fma(t, fma(t, third, minus_half), one)
        if base < floor:
            base = floor
        return mul(mul(three, d), fma(-t, slope, log(base)))

    return exponent


def _boost(form: Format, m: Arithmetic, f: Functions, u: Uniforms) -> Callable[..., Any]:
    add, div, one = m.add, m.div, form.real(1)
    long_uniform, times_exp, exponential = u.long, f.times_exp, _exponential(form, m, f, u)

    @device()
    def boost(
        key: Word, lane: Word, a: Real, b: Real, first: Real, second: Real
    ) -> tuple[Real, Real]:
        w0, w1, w2, w3 = philox(key, lane, SMALL)
        alpha_raised = b < one and long_uniform(w2, w3) < div(a, add(a, b))
        e = exponential(w0, w1)
        if a < one and not alpha_raised:
            return times_exp(first, div(-e, a)), second
        return first, times_exp(second, div(-e, b))

    return boost


def _exponential(form: Format, m: Arithmetic, f: Functions, u: Uniforms) -> Callable[..., Any]:
    add, sub, div, log, long_uniform = m.add, m.sub, m.div, f.log, u.long
    one = form.real(1)

    @device()
    def exponential(high: Word, low: Word) -> Real:
        if (high >> TOP) == 0:
            return -log(long_uniform(high, low))
        p = long_uniform(np.uint32(high ^ ALL), np.uint32(low ^ ALL))
        rest = sub(one, p)
        lost = add(sub(rest, one), p)
        return sub(div(lost, rest), log(rest))

    return exponential
