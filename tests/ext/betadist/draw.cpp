// Draws with every kernel that this processor runs, for the tests of levels built for, or emulated
// as, other processors.
//
// The thread it draws in rounds upwards and flushes subnormals to 0, as a library may have left it;
// the draws must not show it, and the thread must stay so.
//
// stdin:  four uint64 (bytes of an element, n, key, most attempts), then alpha, beta, lanes
// stdout: for each kernel, slowest first, its level's name and a line feed, then n draws
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "sampler.hpp"
#include "selection.hpp"

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

// Whether the best half of the draws is what a sort by their bits puts first.
template <class T>
bool selects(const betadist::Kernel& kernel, const betadist::Columns<T>& columns,
             betadist::Stream stream, const std::vector<T>& draws) {
    using Bits = betadist::BitsOf<T>;
    const std::size_t n = draws.size(), k = n / 2;
    std::vector<std::int64_t> order(n), found(k);
    for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<std::int64_t>(i);
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        const auto x = std::bit_cast<Bits>(draws[a]), y = std::bit_cast<Bits>(draws[b]);
        if (x != y) return x > y;
        return columns.lanes[a] != columns.lanes[b] ? columns.lanes[a] < columns.lanes[b] : a < b;
    });
    std::vector<T> values(k);
    if (k == 0) return true;
    return betadist::sample_top_k(kernel, columns, {}, stream, n, k, found.data(), values.data(),
                                  1) == k &&
           std::equal(found.begin(), found.end(), order.begin());
}

template <class T>
void draw(std::size_t n, betadist::Stream stream) {
    const auto alpha = read<T>(n), beta = read<T>(n);
    const auto lanes = read<std::uint64_t>(n);
    const betadist::Columns<T> columns = {alpha.data(), beta.data(), lanes.data()};
    for (int i = 0; const auto* kernel = betadist::kernel(i); ++i) {
        std::vector<T> out(n);
        if (!betadist::sample(*kernel, columns, stream, n, out.data(), 1) ||
            !selects(*kernel, columns, stream, out)) {
            std::fputs("fit shapes are refused, or the k largest are not a sort's\n", stderr);
            std::exit(1);
        }
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
