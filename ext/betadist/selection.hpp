// Which of many values in [0, 1] are among the k largest, in plain loops that become vector code:
// one comparison per value and hardly a branch, where a sort's every comparison is a coin toss.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace betadist {

// The bits of values >= 0 are ordered as they are.
template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

// How many of `size` values reach `bound`.
template <std::size_t size, class T>
BitsOf<T> count_reaching(const T* values, T bound) {
    BitsOf<T> count = 0;
    for (std::size_t i = 0; i < size; ++i) count += values[i] >= bound;
    return count;
}

template <class T>
std::size_t count_reaching(const T* values, std::size_t n, T bound) {
    std::size_t count = 0, i = 0;
    for (; n - i >= 64; i += 64) count += count_reaching<64>(values + i, bound);
    for (; i < n; ++i) count += values[i] >= bound;
    return count;
}

template <class T>
struct Extremes {
    T least, greatest;
};

// Of n > 0 values, in as many lanes as leave the compiler free to use vectors.
template <class T>
Extremes<T> extremes_of(const T* values, std::size_t n) {
    constexpr std::size_t width = 64 / sizeof(T);
    T least[width], greatest[width];
    for (std::size_t j = 0; j < width; ++j) least[j] = greatest[j] = values[0];
    std::size_t i = 0;
    for (; n - i >= width; i += width) {
        for (std::size_t j = 0; j < width; ++j) {
            const T x = values[i + j];
            least[j] = x < least[j] ? x : least[j];
            greatest[j] = x > greatest[j] ? x : greatest[j];
        }
    }
    for (; i < n; ++i) {
        least[0] = values[i] < least[0] ? values[i] : least[0];
        greatest[0] = values[i] > greatest[0] ? values[i] : greatest[0];
    }
    for (std::size_t j = 1; j < width; ++j) {
        least[0] = least[j] < least[0] ? least[j] : least[0];
        greatest[0] = greatest[j] > greatest[0] ? greatest[j] : greatest[0];
    }
    return {least[0], greatest[0]};
}

// How many of the best are worth keeping where k are asked for: bisecting to the last one would
// take twice as long.
inline std::size_t enough(std::size_t k) { return k + k / 8; }

// A bound that at least k <= n values reach: at most enough(k), unless many equal it. Bisects the
// bits, so about 10 counts for shapes of a bandit and never more than 63.
template <class T>
T bound_of(const T* values, std::size_t n, std::size_t k) {
    using Bits = BitsOf<T>;
    const auto [least, greatest] = extremes_of(values, n);
    auto low = std::bit_cast<Bits>(least), high = std::bit_cast<Bits>(greatest) + 1;
    for (std::size_t reaching = n; reaching > enough(k) && high - low > 1;) {
        const Bits middle = low + (high - low) / 2;
        const std::size_t count = count_reaching(values, n, std::bit_cast<T>(middle));
        if (count >= k) {
            low = middle;
            reaching = count;
        } else {
            high = middle;
        }
    }
    return std::bit_cast<T>(low);
}

}  // namespace betadist
