#include "kernels.hpp"

#include "levels.hpp"

namespace betadist {
namespace {

#if defined(__x86_64__)
bool has_fma() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

struct Available {
    const Kernel* kernels[3] = {};

    Available() {
        int count = 0;
        kernels[count++] = &scalar_kernel;
#if defined(__x86_64__)
        if (has_fma()) kernels[count++] = &scalar_fma_kernel;
#endif
    }
};

}  // namespace

const Kernel* kernel(int number) {
    static const Available available;
    return available.kernels[number];
}

}  // namespace betadist
