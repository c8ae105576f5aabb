// The kernel with fma as one instruction: every x86-64 processor since 2013.
#include "levels.hpp"

#if defined(__x86_64__)

#include <cfloat>
#include <cstddef>
#include <cstdint>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#include "kernel.hpp"

namespace betadist {
namespace {

void draw_float(const Columns<float>& columns, Stream stream, std::size_t begin, std::size_t end,
                float* out) {
    draw<Scalar<float>>(columns, stream, begin, end, out);
}

void draw_double(const Columns<double>& columns, Stream stream, std::size_t begin,
                 std::size_t end, double* out) {
    draw<Scalar<double>>(columns, stream, begin, end, out);
}

}  // namespace
}  // namespace betadist

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace betadist {

const Kernel scalar_fma_kernel = {"scalar_fma", "scalar", draw_float, draw_double};

}  // namespace betadist

#endif
