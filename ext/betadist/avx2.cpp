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
#include "kernel.hpp"

namespace betadist {

constinit const Kernel avx2_kernel = kernel_of<Avx2>("avx2");

}  // namespace betadist

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
