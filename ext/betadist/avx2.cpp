// The kernel by AVX2 and FMA: x86-64 processors since 2013.
#include "levels.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cfloat>
#include <cstddef>
#include <cstdint>

// From here to the end: templates are instantiated there.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#include "avx2.hpp"
#include "fit.hpp"
#include "kernel.hpp"

namespace betadist {

const Kernel avx2_kernel = {"avx2", are_fit<Avx2<float>>, are_fit<Avx2<double>>, draw<Avx2<float>>,
                              draw<Avx2<double>>};

}  // namespace betadist

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
