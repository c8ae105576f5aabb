// The kernel, once per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "columns.hpp"
#include "filter.hpp"
#include "shapes.hpp"

namespace betadist {

template <class T>
using AreFit = bool (*)(const T* values, std::size_t n);

// False, with `out` incomplete, where a shape is not finite and > 0.
template <class T>
using Draw = bool (*)(const Columns<T>&, Stream, std::size_t begin, std::size_t end, T* out);

// Parts n rows into the columns alpha and beta; `prior` stands in where a row is not known. Shapes
// outside T's normal range are moved to its edge; NaN stays.
template <class T>
using Part = void (*)(const Shapes* rows, const bool* known, Shapes prior, std::size_t n, T* alpha,
                      T* beta);

// passes[i] = 1 where tags[i] passes, else 0.
using PassTagged = void (*)(const std::uint64_t* tags, TagFilter asked, std::size_t n,
                            std::uint8_t* passes);

struct Kernel {
    const char* level;  // what simd_level() calls it
    AreFit<float> are_fit_float;
    AreFit<double> are_fit_double;
    Draw<float> draw_float;
    Draw<double> draw_double;
    Part<float> part_float;
    Part<double> part_double;
    PassTagged pass_tagged;

    bool are_fit(const float* values, std::size_t n) const { return are_fit_float(values, n); }
    bool are_fit(const double* values, std::size_t n) const { return are_fit_double(values, n); }

    bool draw(const Columns<float>& columns, Stream stream, std::size_t begin, std::size_t end,
              float* out) const {
        return draw_float(columns, stream, begin, end, out);
    }
    bool draw(const Columns<double>& columns, Stream stream, std::size_t begin, std::size_t end,
              double* out) const {
        return draw_double(columns, stream, begin, end, out);
    }

    void part(const Shapes* rows, const bool* known, Shapes prior, std::size_t n, float* alpha,
              float* beta) const {
        part_float(rows, known, prior, n, alpha, beta);
    }
    void part(const Shapes* rows, const bool* known, Shapes prior, std::size_t n, double* alpha,
              double* beta) const {
        part_double(rows, known, prior, n, alpha, beta);
    }
};

// The number-th kernel that this processor runs, slowest first; nullptr after the last.
const Kernel* kernel(int number);

}  // namespace betadist
