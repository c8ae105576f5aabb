// A bounded cache from (hash, fingerprint) to a row of doubles that grows old.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "slots.hpp"

namespace featuretable {

// Bits of a state; no bit: nothing to serve.
inline constexpr std::uint8_t kFound = 1;
inline constexpr std::uint8_t kUnknown = 2;
inline constexpr std::uint8_t kStale = 4;
inline constexpr std::uint8_t kClaimed = 8;

// The greatest instant and limit: 8,925 years of milliseconds.
inline constexpr std::uint64_t kMostMs = (std::uint64_t{1} << 48) - 1;

// All in milliseconds.
struct Limits {
    std::uint64_t ttl;           // a row is fresh up to this age
    std::uint64_t negative_ttl;  // and what is known not to be there up to this one
    std::uint64_t stale;         // for so long after its ttl a row is served stale
};

struct Tally {
    std::size_t found = 0;
    std::size_t unknown = 0;
    std::size_t stale = 0;
    std::size_t claimed = 0;
    std::size_t absent = 0;
    std::uint64_t oldest = 0;  // milliseconds
};

// Evicts by CLOCK (Corbató, "A paging experiment with the Multics system", 1968): a hand passes the
// rows; one that was served since it last came by is spared once.
//
// The hand goes from home to home in steps of 0.618 of the table (golden section), not in their
// order: rows just ahead of it are twice as dense as on average, for those behind it are gone, and
// side by side they would be more than there are slots, in one cluster.
class Cache {
public:
    Cache(std::size_t features, std::size_t max_rows, const Limits& limits);

    Tally lookup(const Keys& keys, std::uint64_t now, double* values, std::uint8_t* states);
    std::size_t upsert(const Keys& keys, std::uint64_t now, const double* values,
                       const std::uint8_t* found);  // a byte of NumPy's bool may be over 1
    std::size_t release(const Keys& keys);
    std::size_t remove(const Keys& keys);
    void clear();
    std::size_t rows() const;
    std::size_t bytes() const;
    std::size_t evicted() const;

private:
    std::uint8_t serve(std::byte* row, std::uint64_t now, Tally& tally);
    void evict(std::uint64_t now);
    void turn();

    const std::size_t features_;
    const std::size_t max_rows_;
    const Limits limits_;
    Slots slots_;
    const std::size_t homes_;  // when full
    const std::size_t step_;   // of the hand, coprime to homes_
    std::size_t hand_ = 0;     // a home
    std::size_t passed_ = 0;   // rows of it
    std::size_t evicted_ = 0;
    mutable std::mutex mutex_;
};

}  // namespace featuretable
