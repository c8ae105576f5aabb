// Which shapes can be drawn from: the finite ones > 0. As unsigned integers their bits lie from 1 to
// infinity's - 1, so neither NaN nor the thread's treatment of subnormals matters.
#pragma once

#include "scalar.hpp"

namespace betadist {
namespace {

template <class T>
bool is_fit(T x) {
    using F = Format<T>;
    using Bits = typename F::Bits;
    constexpr Bits infinity = Bits{2 * F::bias + 1} << F::mantissa;
    return Scalar<T>::bits(x) - 1 < infinity - 1;
}

template <class V>
bool are_fit(const typename V::Element* values, std::size_t n) {
    using T = typename V::Element;
    const auto minus_one = V::set_bits(~typename Format<T>::Bits{0});
    auto greatest = V::set_bits(0);
    std::size_t i = 0;
    for (; i + V::width <= n; i += V::width) {
        greatest = V::greater(greatest, V::add(V::bits(V::load(values + i)), minus_one));
    }
    T shapes[V::width];
    V::store(shapes, V::real(V::add(greatest, V::set_bits(1))));
    bool fit = true;
    for (const T shape : shapes) fit &= is_fit(shape);
    for (; i < n; ++i) fit &= is_fit(values[i]);
    return fit;
}

}  // namespace
}  // namespace betadist
