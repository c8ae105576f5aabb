// Posteriors as they are stored, made into the columns that are drawn from.
#pragma once

#include <cstddef>
#include <limits>

#include "shapes.hpp"

namespace betadist {
namespace {

// Moves what is outside the normal range to its edge; NaN, which loses each comparison, stays.
template <class V>
typename V::Real moved(const typename V::Element* values) {
    using Limits = std::numeric_limits<typename V::Element>;
    return V::min(V::set(Limits::max()), V::max(V::set(Limits::min()), V::load(values)));
}

template <template <class> class V, class T>
void move_to_normal(T* values, std::size_t n) {
    std::size_t i = 0;
    for (; i + V<T>::width <= n; i += V<T>::width) V<T>::store(values + i, moved<V<T>>(values + i));
    for (; i < n; ++i) values[i] = moved<Scalar<T>>(values + i);
}

template <template <class> class V, class T>
void part(const Shapes* rows, const bool* known, Shapes prior, std::size_t n, T* alpha, T* beta) {
    for (std::size_t i = 0; i < n; ++i) {
        const Shapes& row = known[i] ? rows[i] : prior;
        alpha[i] = static_cast<T>(row.alpha);
        beta[i] = static_cast<T>(row.beta);
    }
    move_to_normal<V>(alpha, n);
    move_to_normal<V>(beta, n);
}

}  // namespace
}  // namespace betadist
