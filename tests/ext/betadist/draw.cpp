// Draws with every kernel that this processor runs, for the tests of levels built for, or emulated
// as, other processors.
//
// The thread it draws in rounds upwards and flushes subnormals to 0, as a library may have left it;
// the draws must not show it, and the thread must stay so.
//
// stdin:  four uint64 (bytes of an element, n, key, most attempts), then alpha, beta, lanes
// stdout: for each kernel, slowest first, its level's name and a line feed, then n draws
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "sampler.hpp"

namespace {

template <class T>
std::vector<T> read(std::size_t n) {
    std::vector<T> values(n);
    if (std::fread(values.data(), sizeof(T), n, stdin) != n) {
        std::fputs("stdin is too short\n", stderr);
        std::exit(1);
    }
    return values;
}

template <class T>
void draw(std::size_t n, betadist::Stream stream) {
    const auto alpha = read<T>(n), beta = read<T>(n);
    const auto lanes = read<std::uint64_t>(n);
    const betadist::Columns<T> columns = {alpha.data(), beta.data(), lanes.data()};
    for (int i = 0; const auto* kernel = betadist::kernel(i); ++i) {
        std::vector<T> out(n);
        if (!betadist::sample(*kernel, columns, stream, n, out.data(), 1)) std::abort();
        std::printf("%s\n", kernel->level);
        std::fwrite(out.data(), sizeof(T), n, stdout);
    }
}

#if defined(__x86_64__)
void set_modes(std::uint64_t modes) { _mm_setcsr(static_cast<unsigned>(modes)); }
std::uint64_t modes() { return _mm_getcsr() & 0xFFC0; }  // without the exceptions' flags
constexpr std::uint64_t disturbed = 0xDFC0;
#elif defined(__aarch64__)
void set_modes(std::uint64_t modes) { asm volatile("msr fpcr, %0" ::"r"(modes)); }
std::uint64_t modes() {
    std::uint64_t now;
    asm volatile("mrs %0, fpcr" : "=r"(now));
    return now;
}
constexpr std::uint64_t disturbed = 0x1400000;
#else
constexpr std::uint64_t disturbed = 0;
void set_modes(std::uint64_t) {}
std::uint64_t modes() { return disturbed; }
#endif

}  // namespace

int main() {
    const auto head = read<std::uint64_t>(4);
    const betadist::Stream stream = {head[2], static_cast<int>(head[3])};
    set_modes(disturbed);
    (head[0] == sizeof(float) ? draw<float> : draw<double>)(head[1], stream);
    if (modes() != disturbed) {
        std::fputs("drawing changed the thread's floating-point modes\n", stderr);
        return 1;
    }
    return 0;
}
