#include "level.hpp"

#include <atomic>

namespace idcolumn {
namespace {

std::atomic<Level> used = highest_level();

}  // namespace

Level highest_level() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        return Level::kAvx512;
    if (__builtin_cpu_supports("avx2")) return Level::kAvx2;
#endif
    return Level::kPlain;
}

Level level() { return used.load(std::memory_order_relaxed); }

void set_level(Level wanted) { used.store(wanted, std::memory_order_relaxed); }

}  // namespace idcolumn
