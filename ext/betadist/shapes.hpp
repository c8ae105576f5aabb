// Posteriors as they are stored, made into the columns that are drawn from.
#pragma once

#include <cstddef>

namespace betadist {

struct Shapes {
    double alpha, beta;
};

// Parts n rows into the columns alpha and beta; `prior` stands in where a row is not known. Shapes
// outside T's normal range are moved to its edge; NaN stays.
template <class T>
void part(const Shapes* rows, const bool* known, Shapes prior, std::size_t n, T* alpha, T* beta);

}  // namespace betadist
