// A radix sort of the values' highest bits, least significant digit first (Knuth, TAOCP 3, 5.2.5):
// 400 floats take 2 us, where every comparison of a quicksort is a branch that nobody can predict.
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

constexpr unsigned kDigit = 9;   // bits of a digit at most
constexpr std::size_t kFew = 8;  // where so many times k are there, they are selected first

template <class T>
struct Entry {
    BitsOf<T> key;  // ascending where values descend
    std::uint32_t position;
};

// Digits that cover the highest bits in which n keys differ: some 2 log2(n), so that of the n^2 / 2
// pairs of keys that are spread evenly one or two are alike in all of them and must be compared.
struct Digits {
    unsigned rest, count, width;

    Digits(unsigned varying, std::size_t n) {
        const unsigned bits = std::min(varying, 2 * static_cast<unsigned>(std::bit_width(n / 2)));
        rest = varying - bits;
        count = (bits + kDigit - 1) / kDigit;
        width = count == 0 ? 0 : (bits + count - 1) / count;
    }
    bool alike(std::uint64_t a, std::uint64_t b) const { return (a ^ b) >> rest == 0; }
};

// Sorts by one digit, of `width` bits above `shift`.
template <class T>
void sort_by(unsigned shift, unsigned width, const Entry<T>* from, Entry<T>* to, std::size_t n) {
    const BitsOf<T> mask = (BitsOf<T>{1} << width) - 1;
    std::uint32_t places[1 << kDigit];
    std::fill_n(places, mask + 1, 0);
    for (std::size_t i = 0; i < n; ++i) ++places[from[i].key >> shift & mask];
    std::uint32_t next = 0;
    for (std::size_t digit = 0; digit <= mask; ++digit) next += std::exchange(places[digit], next);
    for (std::size_t i = 0; i < n; ++i) to[places[from[i].key >> shift & mask]++] = from[i];
}

// Returns those of `from` and `to` in which the sorted entries end up.
template <class T>
Entry<T>* sort(Entry<T>* from, Entry<T>* to, std::size_t n, const Digits& digits) {
    for (unsigned at = 0; at < digits.count; ++at) {
        sort_by(digits.rest + digits.width * at, digits.width, from, to, n);
        std::swap(from, to);
    }
    return from;
}

template <class T>
struct Alike {
    BitsOf<T> key;
    Place place;

    bool operator<(const Alike& other) const {
        return key != other.key ? key < other.key : place < other.place;
    }
};

template <class T>
void order_run(Entry<T>* begin, Entry<T>* end, const std::uint64_t* lanes) {
    std::vector<Alike<T>> run;
    run.reserve(static_cast<std::size_t>(end - begin));
    for (auto* at = begin; at < end; ++at) run.push_back({at->key, Place(lanes, at->position)});
    std::sort(run.begin(), run.end());
    for (const Alike<T>& one : run) {
        (begin++)->position = static_cast<std::uint32_t>(one.place.position);
    }
}

template <class T>
void order_alike(Entry<T>* entries, std::size_t n, const Digits& digits,
                 const std::uint64_t* lanes) {
    const auto alike = [&](std::size_t i) {
        return digits.alike(entries[i - 1].key, entries[i].key);
    };
    for (std::size_t i = 1; i < n; ++i) {
        if (!alike(i)) continue;
        const std::size_t begin = i - 1;
        while (++i < n && alike(i)) {}
        order_run(entries + begin, entries + i, lanes);
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
    const Digits digits(static_cast<unsigned>(std::bit_width(varying)), kept);
    Entry<T>* const sorted = sort(entries.get(), entries.get() + n, kept, digits);
    order_alike(sorted, kept, digits, lanes);
    const std::size_t written = std::min(k, kept);
    for (std::size_t i = 0; i < written; ++i) order[i] = sorted[i].position;
    return written;
}

template std::size_t rank(const float*, const std::uint64_t*, std::size_t, std::size_t,
                          std::int64_t*);
template std::size_t rank(const double*, const std::uint64_t*, std::size_t, std::size_t,
                          std::int64_t*);

}  // namespace betadist
