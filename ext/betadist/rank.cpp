// A radix sort of the values' bits, least significant digit first (Knuth, TAOCP 3, 5.2.5): 400
// floats take 3 us, where every comparison of a quicksort is a branch that nobody can predict.
#include "rank.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>
#include <vector>

#include "place.hpp"
#include "selection.hpp"

namespace betadist {
namespace {

constexpr unsigned kDigit = 9;   // bits of a digit at most: 400 scores have 26 that differ
constexpr std::size_t kFew = 8;  // where so many times k are there, they are selected first

template <class T>
struct Entry {
    BitsOf<T> key;  // ascending where values descend
    std::uint32_t position;
};

// Digits that cover the lowest bits of a key, of which the others are all alike.
struct Digits {
    unsigned count, width;

    explicit Digits(unsigned bits)
        : count((bits + kDigit - 1) / kDigit), width(count == 0 ? 0 : (bits + count - 1) / count) {}
    std::size_t of(std::uint64_t key, unsigned at) const {
        return key >> (width * at) & ((std::size_t{1} << width) - 1);
    }
};

// Returns those of `from` and `to` in which the sorted entries end up. `varying` has the bits in
// which keys differ.
template <class T>
Entry<T>* sort(Entry<T>* from, Entry<T>* to, std::size_t n, BitsOf<T> varying) {
    const Digits digits(static_cast<unsigned>(std::bit_width(varying)));
    for (unsigned at = 0; at < digits.count; ++at) {
        std::uint32_t counts[1 << kDigit] = {};
        for (std::size_t i = 0; i < n; ++i) ++counts[digits.of(from[i].key, at)];
        std::uint32_t next = 0;
        for (std::uint32_t& count : counts) next += std::exchange(count, next);
        for (std::size_t i = 0; i < n; ++i) to[counts[digits.of(from[i].key, at)]++] = from[i];
        std::swap(from, to);
    }
    return from;
}

template <class T>
void order_equals(Entry<T>* entries, std::size_t n, const std::uint64_t* lanes) {
    std::vector<Place> equals;
    for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
        for (end = begin + 1; end < n && entries[end].key == entries[begin].key;) ++end;
        if (end - begin == 1) continue;
        equals.clear();
        for (std::size_t i = begin; i < end; ++i) equals.emplace_back(lanes, entries[i].position);
        std::sort(equals.begin(), equals.end());
        for (std::size_t i = begin; i < end; ++i) {
            entries[i].position = static_cast<std::uint32_t>(equals[i - begin].position);
        }
    }
}

}  // namespace

template <class T>
std::size_t rank(const T* values, const std::uint64_t* lanes, std::size_t n, std::size_t k,
                 std::int64_t* order) {
    if (k == 0) return 0;
    const T least = k * kFew < n ? std::max(T(0), bound_of(values, n, k)) : T(0);
    const auto entries = std::make_unique_for_overwrite<Entry<T>[]>(2 * n);
    std::size_t kept = 0;
    BitsOf<T> varying = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const T value = values[i] + T(0);  // makes -0 a 0
        entries[kept] = {~std::bit_cast<BitsOf<T>>(value), static_cast<std::uint32_t>(i)};
        varying |= value >= least ? entries[kept].key ^ entries[0].key : 0;
        kept += value >= least;
    }
    Entry<T>* const sorted = sort<T>(entries.get(), entries.get() + n, kept, varying);
    order_equals(sorted, kept, lanes);
    const std::size_t written = std::min(k, kept);
    for (std::size_t i = 0; i < written; ++i) order[i] = sorted[i].position;
    return written;
}

template std::size_t rank(const float*, const std::uint64_t*, std::size_t, std::size_t,
                          std::int64_t*);
template std::size_t rank(const double*, const std::uint64_t*, std::size_t, std::size_t,
                          std::int64_t*);

}  // namespace betadist
