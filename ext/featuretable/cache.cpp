#include "cache.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

namespace featuretable {
namespace {

// A row starts with a word: the milliseconds when it was written above 16 bits of flags.
constexpr int kFlagBits = 16;
constexpr std::uint64_t kNegative = 1;    // the store doesn't know the key
constexpr std::uint64_t kReferenced = 2;  // served since the hand passed
constexpr std::uint64_t kTaken = 4;       // somebody is refreshing it
constexpr std::size_t kSweep = 32;        // rows that the hand passes at most for one victim
constexpr std::size_t kLead = 4;          // steps of the hand that memory is asked for in advance

using Word = std::uint64_t;

Word load(const std::byte* row) {
    Word word;
    std::memcpy(&word, row, sizeof word);
    return word;
}

void store(std::byte* row, Word word) { std::memcpy(row, &word, sizeof word); }

std::uint64_t written(Word word) { return word >> kFlagBits; }

// A clock that was set back makes no row older than new.
std::uint64_t age(Word word, std::uint64_t now) { return now - std::min(now, written(word)); }

std::uint64_t fresh_for(Word word, const Limits& limits) {
    return word & kNegative ? limits.negative_ttl : limits.ttl;
}

// What the store doesn't know is asked for again as soon as it isn't fresh: it may be new there.
bool expired(Word word, std::uint64_t now, const Limits& limits) {
    const std::uint64_t stale = word & kNegative ? 0 : limits.stale;
    return age(word, now) > fresh_for(word, limits) + stale;
}

std::size_t step_of(std::size_t homes) {
    auto step = static_cast<std::size_t>(0.6180339887498949 * static_cast<double>(homes));
    while (std::gcd(step, homes) != 1) ++step;
    return step;
}

}  // namespace

Cache::Cache(std::size_t features, std::size_t max_rows, const Limits& limits)
    : features_(features),
      max_rows_(max_rows),
      limits_(limits),
      slots_(sizeof(Word) + features * sizeof(double), max_rows),
      homes_(Slots::homes_for(max_rows)),
      step_(step_of(homes_)) {}

Tally Cache::lookup(const Keys& keys, std::uint64_t now, double* values, std::uint8_t* states) {
    const std::lock_guard lock(mutex_);
    Tally tally;
    slots_.each(keys, [&](std::size_t i, const Key& key) {
        std::byte* row = slots_.find(key);
        const std::uint8_t state = row == nullptr ? 0 : serve(row, now, tally);
        states[i] = state;
        if (state & kFound) {
            std::memcpy(values + i * features_, row + sizeof(Word), features_ * sizeof(double));
        } else {
            std::fill_n(values + i * features_, features_,
                        std::numeric_limits<double>::quiet_NaN());
        }
    });
    tally.absent = keys.count - tally.found - tally.unknown;
    return tally;
}

std::size_t Cache::upsert(const Keys& keys, std::uint64_t now, const double* values,
                          const std::uint8_t* found) {
    const std::lock_guard lock(mutex_);
    const std::size_t before = evicted_;
    slots_.each(keys, [&](std::size_t i, const Key& key) {
        if (key == Slots::kEmpty) return;
        std::byte* row = slots_.find(key);
        const Word kept = row == nullptr ? 0 : load(row) & kReferenced;
        if (row == nullptr && slots_.rows() == max_rows_) evict(now);
        if (row == nullptr) row = slots_.put(key);
        store(row, now << kFlagBits | kept | (found[i] ? 0 : kNegative));
        std::memcpy(row + sizeof(Word), values + i * features_, features_ * sizeof(double));
    });
    return evicted_ - before;
}

std::size_t Cache::release(const Keys& keys) {
    const std::lock_guard lock(mutex_);
    std::size_t released = 0;
    slots_.each(keys, [&](std::size_t, const Key& key) {
        std::byte* row = slots_.find(key);
        if (row == nullptr || !(load(row) & kTaken)) return;
        store(row, load(row) & ~kTaken);
        ++released;
    });
    return released;
}

std::size_t Cache::remove(const Keys& keys) {
    const std::lock_guard lock(mutex_);
    std::size_t removed = 0;
    slots_.each(keys, [&](std::size_t, const Key& key) { removed += slots_.remove(key); });
    return removed;
}

void Cache::clear() {
    const std::lock_guard lock(mutex_);
    slots_.clear();
}

std::size_t Cache::rows() const {
    const std::lock_guard lock(mutex_);
    return slots_.rows();
}

std::size_t Cache::bytes() const {
    const std::lock_guard lock(mutex_);
    return slots_.bytes();
}

std::size_t Cache::evicted() const {
    const std::lock_guard lock(mutex_);
    return evicted_;
}

// The row's state, and what serving it changes.
std::uint8_t Cache::serve(std::byte* row, std::uint64_t now, Tally& tally) {
    const Word word = load(row);
    if (expired(word, now, limits_)) return 0;
    const bool negative = word & kNegative;
    const bool stale = age(word, now) > fresh_for(word, limits_);
    const bool claim = stale && !(word & kTaken);
    const Word after = word | kReferenced | (claim ? kTaken : 0);
    if (after != word) store(row, after);  // a line that stays clean is not written back
    tally.found += !negative;
    tally.unknown += negative;
    tally.stale += stale;
    tally.claimed += claim;
    if (!negative) tally.oldest = std::max(tally.oldest, age(word, now));
    return static_cast<std::uint8_t>((negative ? kUnknown : kFound) | (stale ? kStale : 0) |
                                     (claim ? kClaimed : 0));
}

// Takes the first row from the hand on that is expired or wasn't served. Where kSweep rows in a row
// were, it takes the one of them written first, which has the least time left to be served: so a
// victim is found soon, even after every row of the table was served.
void Cache::evict(std::uint64_t now) {
    std::size_t victim = 0;
    for (std::size_t spared = 0; spared < kSweep;) {
        const std::size_t slot = slots_.first(hand_) + passed_;
        if (!slots_.at_home(slot, hand_)) {
            turn();
            continue;
        }
        const Word word = load(slots_.row(slot));
        const bool spare = word & kReferenced && !expired(word, now, limits_);
        if (spared == 0 || !spare || written(word) < written(load(slots_.row(victim))))
            victim = slot;
        if (!spare) break;
        store(slots_.row(slot), word & ~kReferenced);
        ++passed_, ++spared;
    }
    slots_.vacate(victim);
    ++evicted_;
}

void Cache::turn() {
    hand_ = (hand_ + step_) % homes_;
    passed_ = 0;
    slots_.prefetch((hand_ + kLead * step_) % homes_);
}

}  // namespace featuretable
