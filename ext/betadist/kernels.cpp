#include "kernels.hpp"

#include "levels.hpp"

namespace betadist {
namespace {

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avx512() {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
}
#endif

struct Available {
    const Kernel* kernels[4] = {};  // one more than there are: the last is nullptr

    Available() {
        int count = 0;
        kernels[count++] = &scalar_kernel;
#if defined(__x86_64__)
        if (has_avx2()) kernels[count++] = &avx2_kernel;
        if (has_avx512()) kernels[count++] = &avx512_kernel;
#elif defined(__aarch64__)
        kernels[count++] = &neon_kernel;
#endif
    }
};

}  // namespace

const Kernel* kernel(int number) {
    static const Available available;
    return available.kernels[number];
}

}  // namespace betadist
