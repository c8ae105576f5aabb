// Logarithm, exponential and sine of the draw path. Explicit fma, IEEE division and square root
// and fixed polynomials: the same bits from every compiler and instruction set, which libm doesn't
// give.
#pragma once

#include "coefficients.hpp"
#include "stream.hpp"

namespace betadist {
namespace {

// Horner's rule, highest power first.
template <class V, std::size_t n>
typename V::Real polynomial(const typename V::Element (&coefficients)[n], typename V::Real x) {
    auto sum = V::set(coefficients[0]);
    for (std::size_t i = 1; i < n; ++i) sum = V::fma(sum, x, V::set(coefficients[i]));
    return sum;
}

// ln x of a positive normal finite x, within 2 ulp: x = 2^e m, m in [sqrt 1/2, sqrt 2),
// ln m = 2 atanh s, s = (m - 1) / (m + 1).
template <class V>
typename V::Real log(typename V::Real x) {
    using T = typename V::Element;
    using C = Coefficients<T>;
    using F = Format<T>;
    using Bits = typename F::Bits;
    const Bits one = Bits{F::bias} << F::mantissa;
    const Bits low = Scalar<T>::bits(C::sqrt_half);
    const Bits huge = Bits{F::bias + F::mantissa} << F::mantissa;  // 2^mantissa: its ulp is 1
    const auto shifted = V::add(V::bits(x), V::set_bits(one - low));
    const auto biased = V::template right<F::mantissa>(shifted);
    const auto raised = V::real(V::unite(biased, V::set_bits(huge)));
    const auto e = raised - V::set(C::two_to_mantissa + F::bias);
    const auto fraction = V::intersect(shifted, V::set_bits((Bits{1} << F::mantissa) - 1));
    const auto f = V::real(V::add(fraction, V::set_bits(low))) - V::set(1);
    const auto s = f / (f + V::set(2));
    const auto y = s * s;
    const auto ln_m = V::fma(s * y, polynomial<V>(C::log, y), s + s);
    return V::fma(e, V::set(C::ln2_high), V::fma(e, V::set(C::ln2_low), ln_m));
}

// g exp y for y <= 0, rounded once where it becomes subnormal and 0 far below.
template <class V>
typename V::Real times_exp(typename V::Real g, typename V::Real y) {
    using T = typename V::Element;
    using C = Coefficients<T>;
    constexpr int mantissa = Format<T>::mantissa;
    const auto round = V::set(C::rounder);
    const auto scale = V::set(C::rounder + Format<T>::bias);
    y = V::max(y, V::set(C::exp_floor));
    const auto k = V::fma(y, V::set(C::log2_e), round) - round;
    const auto r = V::fma(k, V::set(-C::ln2_low), V::fma(k, V::set(-C::ln2_high), y));
    const auto m = V::fma(r * r, polynomial<V>(C::exp, r), r) + V::set(1);
    const auto half = V::fma(k, V::set(T(0.5)), round) - round;
    const auto first = V::real(V::template left<mantissa>(V::bits(half + scale)));
    const auto second = V::real(V::template left<mantissa>(V::bits((k - half) + scale)));
    return g * m * first * second;
}

// sin and cos of x quarter turns, |x| <= 1/2.
template <class V>
void sin_cos(typename V::Real x, typename V::Real& sine, typename V::Real& cosine) {
    using C = Coefficients<typename V::Element>;
    const auto y = x * x;
    sine = x * polynomial<V>(C::sin, y);
    cosine = V::fma(y, polynomial<V>(C::cos, y), V::set(1));
}

// An exponential variate, -ln of a 64-bit uniform v. With p the nearer of v and 1 - v to 0 this is
// -ln p or -log1p(-p): full relative precision from 2^-65 to 45.
template <class V>
typename V::Real exponential(typename V::Word high, typename V::Word low) {
    const auto upper = V::template has_bit<31>(high);
    const auto flip = V::mask_word(upper);
    const auto p = long_uniform<V>(V::exclusive(high, flip), V::exclusive(low, flip));
    const auto one = V::set(1);
    const auto rest = one - p;
    const auto lost = (rest - one) + p;  // what rounding added to 1 - p, exactly
    const auto log_p = log<V>(V::select(upper, rest, p));
    return V::select(upper, lost / rest - log_p, -log_p);
}

}  // namespace
}  // namespace betadist
