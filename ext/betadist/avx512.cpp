// The kernel by AVX-512 F, VL and DQ: Skylake-X, Zen 4 and later.
#include "levels.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cfloat>
#include <cstddef>
#include <cstdint>

// From here to the end: templates are instantiated there.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq"))), \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512dq")
#pragma GCC diagnostic ignored "-Wuninitialized"  // of its own header: gcc.gnu.org/PR105593
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "avx512.hpp"
#include "kernel.hpp"

namespace betadist {

constinit const Kernel avx512_kernel = kernel_of<Avx512>("avx512");

}  // namespace betadist

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
