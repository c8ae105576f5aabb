#include "uuid.hpp"

#include <chrono>
#include <cstdint>
#include <random>

namespace idcolumn {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;  // in nanoseconds
constexpr char kHex[] = "0123456789abcdef";

std::mt19937_64 seeded() {
    std::random_device system;
    std::seed_seq seed{system(), system(), system(), system(),
                       system(), system(), system(), system()};
    return std::mt19937_64(seed);
}

std::uint64_t random_word() {
    thread_local std::mt19937_64 generator = seeded();
    return generator();
}

std::uint64_t nanoseconds() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
}

char* write_digits(char* out, std::uint64_t word, int from, int count) {
    for (int i = 0; i < count; ++i) *out++ = kHex[word >> (60 - 4 * (from + i)) & 15];
    return out;
}

}  // namespace

void write_uuid7(char* out) {
    const std::uint64_t now = nanoseconds();
    const std::uint64_t fraction = (now % kMillisecond << 12) / kMillisecond;
    const std::uint64_t high = now / kMillisecond << 16 | 0x7000 | fraction;
    const std::uint64_t low = random_word() >> 2 | std::uint64_t{1} << 63;
    out = write_digits(out, high, 0, 8), *out++ = '-';
    out = write_digits(out, high, 8, 4), *out++ = '-';
    out = write_digits(out, high, 12, 4), *out++ = '-';
    out = write_digits(out, low, 0, 4), *out++ = '-';
    write_digits(out, low, 4, 12);
}

}  // namespace idcolumn
