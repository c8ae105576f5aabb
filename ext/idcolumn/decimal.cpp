#include "decimal.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

namespace idcolumn {
namespace {

// of the longest number, -2.2250738585072014e-308, with its comma; more than what a short one is
// written with
constexpr std::size_t kRoom = 26;
constexpr double kLeast = 1e-5;  // from here to 1, numbers are written without an exponent
constexpr int kDigits = 9;       // give every float back
constexpr double kPowers[] = {1e0, 1e1, 1e2, 1e3,  1e4,  1e5,  1e6,
                              1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13};

// Half the distance to the next float, or to the last one where that is nearer.
double half_gap(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const double power = std::bit_cast<float>(bits & 0x7f800000u);
    return power * ((bits & 0x007fffffu) ? 0x1p-24 : 0x1p-25);
}

// The nearest whole number, ties to even, of 0 <= x < 2^52; nearbyint is a call without SSE4.
double rounded(double x) { return x + 0x1p52 - 0x1p52; }

// Eight decimal digits of a number < 1e8, the first in the lowest byte.
std::uint64_t eight_digits(std::uint64_t number) {
    const std::uint64_t fours = number / 10'000 | number % 10'000 << 32;
    const std::uint64_t hundreds = (fours * 10'486 >> 20) & 0x7f0000007full;
    const std::uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
    const std::uint64_t tens = (twos * 103 >> 10) & 0x000f000f000f000full;
    return (tens | (twos - 10 * tens) << 8) + 0x3030303030303030ull;
}

// Writes number / 10^places < 1, where number < 10^digits and digits is from 1 to kDigits. What has
// no digit is a zero; up to 16 bytes are written in any case.
char* write_fraction(char* out, std::uint64_t number, int digits, int places) {
    std::memcpy(out, "0.000000", 8);
    char* const end = out + 2 + places;
    if (digits == kDigits) {
        out[2 + places - kDigits] = static_cast<char>('0' + number / 100'000'000);
        number %= 100'000'000;
        digits = 8;
    }
    const std::uint64_t text = eight_digits(number) >> 8 * (8 - digits);
    std::memcpy(end - digits, &text, 8);
    return end;
}

// A float in [kLeast, 1): as a fraction of as few digits as lie within half a gap of it. Rounding
// to fewer digits stays within the gap or leaves it for good, so the search goes down. Most scores
// have 7 or 8 digits: those are tried without a branch that could be mispredicted.
char* write_short(char* out, float value) {
    const double x = value;
    // less what rounding x * 10^places may have moved it by
    const double gap = half_gap(value) * (1 - 0x1p-20);
    const auto near = [x, gap](double number, int places) {
        return std::fabs(number - x * kPowers[places]) < gap * kPowers[places];
    };
    const int zeros = (x < 0.1) + (x < 0.01) + (x < 0.001) + (x < 0.0001);
    int places = zeros + kDigits;
    const double nine = rounded(x * kPowers[places]), eight = rounded(x * kPowers[places - 1]),
                 seven = rounded(x * kPowers[places - 2]);
    const bool eight_do = near(eight, places - 1), seven_do = eight_do & near(seven, places - 2);
    double number = seven_do ? seven : eight_do ? eight : nine;
    places -= eight_do + seven_do;
    while (seven_do && places > 1) {
        const double fewer = rounded(x * kPowers[places - 1]);
        if (!near(fewer, places - 1)) break;
        number = fewer;
        --places;
    }
    int digits = places - zeros;
    digits += number >= kPowers[digits];  // 0.0099999998 is 0.01 by now
    return write_fraction(out, static_cast<std::uint64_t>(number), digits, places);
}

template <class T>
char* write_any(char* out, T value) {
    if (!std::isfinite(value)) return static_cast<char*>(std::memcpy(out, "null", 4)) + 4;
    if (value == std::trunc(value) && std::fabs(value) < T(1e6)) {
        out = std::to_chars(out, out + kRoom, static_cast<int>(value)).ptr;
        return static_cast<char*>(std::memcpy(out, ".0", 2)) + 2;
    }
    return std::to_chars(out, out + kRoom, value).ptr;
}

char* write_number(char* out, float value) {
    return value >= kLeast && value < 1 ? write_short(out, value) : write_any(out, value);
}

char* write_number(char* out, double value) { return write_any(out, value); }

}  // namespace

std::size_t numbers_room(std::size_t count) { return 2 + kRoom * count; }

template <class T>
char* write_numbers(const T* values, const std::int64_t* order, std::size_t count, char* out) {
    *out++ = '[';
    for (std::size_t i = 0; i < count; ++i) {
        if (i != 0) *out++ = ',';
        out = write_number(out, values[order == nullptr ? i : static_cast<std::size_t>(order[i])]);
    }
    *out++ = ']';
    return out;
}

template char* write_numbers(const float*, const std::int64_t*, std::size_t, char*);
template char* write_numbers(const double*, const std::int64_t*, std::size_t, char*);

}  // namespace idcolumn
