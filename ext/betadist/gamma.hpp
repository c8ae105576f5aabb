// Marsaglia and Tsang, "A simple method for generating gamma variables" (2000),
// doi 10.1145/358407.358414: for shape >= 1, d = shape - 1/3 and a normal z,
// d (1 + z / sqrt(9 d))^3 is accepted with probability exp(exponent). Two gammas are proposed
// together, and as they are independent one uniform decides both: ln U < exponent + exponent.
#pragma once

#include "functions.hpp"

namespace betadist {
namespace {

template <class V>
struct Proposal {
    using Real = typename V::Real;
    Real d;
    Real x2;    // (z / 3)^2 = d t^2
    Real t;     // z / (3 sqrt d)
    Real base;  // 1 + t

    Proposal(Real d_, Real root, Real z) : d(d_) {
        const Real x = z * constant<V>(1.0 / 3);
        x2 = x * x;
        t = x / root;
        base = V::set(1) + t;
    }

    // A quarter of the gamma: the sum of two of the largest finite shapes stays finite.
    Real quarter() const { return d * V::set(0.25f) * (base * base * base); }

    // -exponent <= d t^4 (3/4 + |t|) while 1 + t > 0.55; checked against mpmath in the tests.
    Real squeeze() const { return x2 * (t * t) * (V::set(0.75f) + V::abs(t)); }

    // z^2/2 + d - d (1+t)^3 + 3 d ln(1+t) without its cancellation, which eats every digit by
    // d = 1e6: 3 d R4(t), R4(t) = ln(1+t) - t + t^2/2 - t^3/3. For 1 + t > 0.
    Real exponent() const {
        const auto near = V::less(V::abs(t), V::set(0.25f));
        return V::select(near, exponent_near(), exponent_far());
    }

   private:
    Real exponent_near() const {
        using C = Coefficients<typename V::Element>;
        return V::set(-3) * x2 * (t * t) * polynomial<V>(C::remainder, t);
    }

    // Three leading digits cancel at |t| = 1/4, and d < 131 there as |z| < 8.573.
    Real exponent_far() const {
        const auto slope = V::fma(t, V::fma(t, constant<V>(1.0 / 3), V::set(-0.5f)), V::set(1));
        const auto logarithm = log<V>(V::max(base, constant<V>(power_of_two<-60>)));
        return V::set(3) * d * V::fma(-t, slope, logarithm);
    }
};

// U < 1 - squeezes, whatever the bits of U after the 22nd: accepted without a logarithm.
template <class V>
typename V::Mask surely_accepted(typename V::Real upper_u, const Proposal<V>& first,
                                 const Proposal<V>& second) {
    const auto bound = V::set(1) - (first.squeeze() + second.squeeze());
    const auto lowest = V::min(first.base, second.base);
    return V::both(V::less(upper_u, bound), V::less(constant<V>(0.55), lowest));
}

template <class V>
typename V::Mask accepted(typename V::Real u, const Proposal<V>& first,
                          const Proposal<V>& second) {
    const auto lowest = V::min(first.base, second.base);
    return V::both(V::less(log<V>(u), first.exponent() + second.exponent()),
                   V::less(V::set(0), lowest));
}

// Two normals by Box and Muller (1958), doi 10.1214/aoms/1177706645.
template <class V>
void normals(const Words<V>& w, typename V::Real& z1, typename V::Real& z2) {
    using Real = typename V::Real;
    Real sine, cosine;
    sin_cos<V>(quarter_uniform<V>(w), sine, cosine);
    const Real radius = V::sqrt(V::set(-2) * log<V>(radius_uniform<V>(w)));
    const Real turned = V::negate_by(radius, w.w2);
    const auto swap = V::template has_bit<30>(w.w2);
    z1 = turned * V::select(swap, sine, cosine);
    z2 = turned * V::select(swap, cosine, sine);
}

}  // namespace
}  // namespace betadist
