// Which shapes can be drawn from: the finite ones > 0. As unsigned integers their bits lie from 1
// to infinity's - 1, so neither NaN nor the thread's treatment of subnormals matters.
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

// What is said of all the shapes that it saw.
template <class V>
class Survey {
    using T = typename V::Element;

   public:
    Survey() : greatest_(V::set_bits(0)), least_(V::set(1)) {}

    void see(typename V::Real shapes) {
        greatest_ = V::greater(greatest_, V::add(V::bits(shapes), minus_one()));
        least_ = V::min(least_, shapes);
    }

    bool all_fit() const {
        T shapes[V::width];
        V::store(shapes, V::real(V::add(greatest_, V::set_bits(1))));
        bool fit = true;
        for (const T shape : shapes) fit &= is_fit(shape);
        return fit;
    }

    bool some_small() const { return V::any(V::less(least_, V::set(1))); }

   private:
    static typename V::Bits minus_one() { return V::set_bits(~typename Format<T>::Bits{0}); }

    typename V::Bits greatest_;  // of the bits - 1
    typename V::Real least_;
};

template <class V>
bool are_fit(const typename V::Element* values, std::size_t n) {
    Survey<V> survey;
    std::size_t i = 0;
    for (; i + V::width <= n; i += V::width) survey.see(V::load(values + i));
    bool fit = survey.all_fit();
    for (; i < n; ++i) fit &= is_fit(values[i]);
    return fit;
}

}  // namespace
}  // namespace betadist
