#include "decimal.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "level.hpp"

namespace idcolumn {
namespace {

// of the longest number, -2.2250738585072014e-308, with its comma; more than what a short one is
// written with
constexpr std::size_t kRoom = 26;
constexpr double kLeast = 1e-5;  // from here to 1, numbers are written without an exponent
constexpr int kDigits = 9;       // give every float back

// Floats in [kLeast, 1), each to become 0.(zeros)(first)(rest), where rest is eight digits.
struct Fractions {
    static constexpr std::size_t kMost = 64;

    double values[kMost];
    double zeros[kMost];
    std::uint64_t first[kMost];
    std::uint64_t rest[kMost];
};

// Half the distance from a float to the next, or to the last one where that is nearer; less what
// rounding a multiple may have moved it by.
double half_gap(double value) {
    constexpr double share = 0x1p-24 * (1 - 0x1p-24);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const auto power = std::bit_cast<double>(bits & 0x7ff0000000000000);
    return power * (bits & 0x000fffffffffffff ? share : share / 2);
}

// The nearest whole number, ties to even, of 0 <= x < 2^52; nearbyint is a call without SSE4.
double rounded(double x) { return x + 0x1p52 - 0x1p52; }

// Eight decimal digits of a number < 1e8, each 0 to 9, the first in the lowest byte.
std::uint64_t eight_digits(std::uint64_t number) {
    const std::uint64_t high = number * 109'951'163 >> 40;
    const std::uint64_t fours = high | (number - 10'000 * high) << 32;
    const std::uint64_t hundreds = (fours * 10'486 >> 20) & 0x7f0000007full;
    const std::uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
    const std::uint64_t tens = (twos * 103 >> 10) & 0x000f000f000f000full;
    return tens | (twos - 10 * tens) << 8;
}

// Replaces each value by a number of kDigits digits, of which as few aren't zeros at its end as lie
// within half a gap of it. Rounding to fewer digits stays within the gap or leaves it for good, and
// two numbers of 6 digits are never within one gap, so no fewer need be tried. Powers of ten are
// exact, and nothing is computed after a choice: it would become a branch.
[[gnu::always_inline]] inline void round_all(Fractions& of) {
    for (std::size_t i = 0; i < Fractions::kMost; ++i) {
        const double x = of.values[i], gap = half_gap(x);
        double zeros = 0, power = 1e9;
        power = x < 0.1 ? 1e10 : power, zeros = x < 0.1 ? 1 : zeros;
        power = x < 0.01 ? 1e11 : power, zeros = x < 0.01 ? 2 : zeros;
        power = x < 0.001 ? 1e12 : power, zeros = x < 0.001 ? 3 : zeros;
        power = x < 0.0001 ? 1e13 : power, zeros = x < 0.0001 ? 4 : zeros;
        const double power8 = power * 1e-1, power7 = power * 1e-2, power6 = power * 1e-3;
        const double to9 = rounded(x * power), to8 = rounded(x * power8),
                     to7 = rounded(x * power7), to6 = rounded(x * power6);
        const double off8 = std::fabs(to8 - x * power8), off7 = std::fabs(to7 - x * power7),
                     off6 = std::fabs(to6 - x * power6);
        const double from8 = to8 * 1e1, from7 = to7 * 1e2, from6 = to6 * 1e3;
        double number = off6 < gap * power6 ? from6 : from7;
        number = off7 < gap * power7 ? number : from8;
        number = off8 < gap * power8 ? number : to9;
        const double fewer = zeros - 1;
        of.zeros[i] = number < 1e9 ? zeros : fewer;  // 0.0099999998 is 0.01 by now
        of.values[i] = number < 1e9 ? number : 1e8;
    }
}

[[gnu::always_inline]] inline void part_all(Fractions& of) {
    for (std::size_t i = 0; i < Fractions::kMost; ++i) {
        const auto bits = std::bit_cast<std::uint64_t>(of.values[i] + 0x1p52);
        const std::uint64_t number = bits << 12 >> 12;
        of.first[i] = number * 1'441'151'881 >> 57;
        of.rest[i] = eight_digits(number - 100'000'000 * of.first[i]);
    }
}

void digits_plain(Fractions& of) { round_all(of), part_all(of); }

#if defined(__x86_64__)
[[gnu::target("avx2")]] void digits_avx2(Fractions& of) { round_all(of), part_all(of); }
[[gnu::target("avx512f,avx512dq")]] void digits_avx512(Fractions& of) {
    round_all(of), part_all(of);
}
#endif

// 400 floats take 1.6 us with AVX-512 and 3.5 with AVX2.
void find_digits(Fractions& of) {
#if defined(__x86_64__)
    const Level used = level();
    if (used == Level::kAvx512) return digits_avx512(of);
    if (used == Level::kAvx2) return digits_avx2(of);
#endif
    digits_plain(of);
}

// Up to 15 bytes are written in any case.
char* write_fraction(char* out, const Fractions& of, std::size_t i) {
    std::memcpy(out, "0.0000", 6);
    char* const begin = out + 2 + static_cast<int>(of.zeros[i]);
    const std::uint64_t text = of.rest[i] + 0x3030303030303030;
    *begin = static_cast<char>('0' + of.first[i]);
    std::memcpy(begin + 1, &text, 8);
    return begin + kDigits - std::countl_zero(of.rest[i]) / 8;
}

bool is_fraction(float value) { return value >= kLeast && value < 1; }

template <class T>
char* write_any(char* out, T value) {
    if (!std::isfinite(value)) return static_cast<char*>(std::memcpy(out, "null", 4)) + 4;
    if (value == std::trunc(value) && std::fabs(value) < T(1e6)) {
        out = std::to_chars(out, out + kRoom, static_cast<int>(value)).ptr;
        return static_cast<char*>(std::memcpy(out, ".0", 2)) + 2;
    }
    return std::to_chars(out, out + kRoom, value).ptr;
}

template <class T>
T pick(const T* values, const std::int64_t* order, std::size_t i) {
    return values[order == nullptr ? i : static_cast<std::size_t>(order[i])];
}

char* write_all(const double* values, const std::int64_t* order, std::size_t count, char* out) {
    for (std::size_t i = 0; i < count; ++i) {
        out = write_any(out, pick(values, order, i));
        *out++ = ',';
    }
    return out;
}

char* write_all(const float* values, const std::int64_t* order, std::size_t count, char* out) {
    float picked[Fractions::kMost];
    Fractions of;
    for (std::size_t begin = 0; begin < count; begin += Fractions::kMost) {
        const std::size_t size = std::min(Fractions::kMost, count - begin);
        for (std::size_t i = 0; i < Fractions::kMost; ++i) {
            picked[i] = i < size ? pick(values, order, begin + i) : 0;
            of.values[i] = is_fraction(picked[i]) ? picked[i] : 0.5;
        }
        find_digits(of);
        for (std::size_t i = 0; i < size; ++i) {
            out = is_fraction(picked[i]) ? write_fraction(out, of, i) : write_any(out, picked[i]);
            *out++ = ',';
        }
    }
    return out;
}

}  // namespace

std::size_t numbers_room(std::size_t count) { return 2 + kRoom * count; }

template <class T>
char* write_numbers(const T* values, const std::int64_t* order, std::size_t count, char* out) {
    *out++ = '[';
    if (count != 0) out = write_all(values, order, count, out) - 1;  // over the last comma
    *out++ = ']';
    return out;
}

template char* write_numbers(const float*, const std::int64_t*, std::size_t, char*);
template char* write_numbers(const double*, const std::int64_t*, std::size_t, char*);

}  // namespace idcolumn
