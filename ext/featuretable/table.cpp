#include "table.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace featuretable {
namespace {

constexpr Key kEmpty{~std::uint64_t{0}, ~std::uint64_t{0}};
constexpr std::size_t kLine = 64;       // bytes of a cache line
constexpr std::size_t kAhead = 24;      // keys prefetched before their turn
constexpr std::size_t kFirstRows = 64;  // rows that fit in a fresh table
// At 4/5 full the last cluster outgrows k spare slots with probability about exp(-0.45 k).
constexpr std::size_t kSpare = 64;

std::size_t homes_for(std::size_t rows) { return rows + rows / 4 + 1; }

}  // namespace

void Table::Free::operator()(std::byte* memory) const { std::free(memory); }

Table::Table(std::size_t features, std::size_t max_rows)
    : features_(features), max_rows_(max_rows), stride_(sizeof(Key) + features * sizeof(double)) {
    resize(std::min(kFirstRows, max_rows_), kSpare);
}

std::size_t Table::lookup(const std::uint64_t* hashes, const std::uint64_t* fingerprints,
                          std::size_t count, double* values, bool* found) const {
    const std::lock_guard lock(mutex_);
    const std::size_t row = features_ * sizeof(double);
    std::size_t hits = 0;
    for (std::size_t i = 0; i < std::min(count, kAhead); ++i)
        prefetch({hashes[i], fingerprints[i]});
    for (std::size_t i = 0; i < count; ++i, values += features_) {
        if (i + kAhead < count) prefetch({hashes[i + kAhead], fingerprints[i + kAhead]});
        const Key wanted{hashes[i], fingerprints[i]};
        const std::size_t slot = find(wanted);
        found[i] = holds(slot, wanted);
        hits += found[i];
        if (found[i]) {
            std::memcpy(values, at(slot) + sizeof(Key), row);
        } else {
            std::fill_n(values, features_, std::numeric_limits<double>::quiet_NaN());
        }
    }
    return hits;
}

std::size_t Table::upsert(const std::uint64_t* hashes, const std::uint64_t* fingerprints,
                          std::size_t count, const double* values) {
    const std::lock_guard lock(mutex_);
    std::size_t refused = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (i + kAhead < count) prefetch({hashes[i + kAhead], fingerprints[i + kAhead]});
        refused += !put({hashes[i], fingerprints[i]}, values + i * features_);
    }
    return refused;
}

std::size_t Table::remove(const std::uint64_t* hashes, const std::uint64_t* fingerprints,
                          std::size_t count) {
    const std::lock_guard lock(mutex_);
    std::size_t removed = 0;
    for (std::size_t i = 0; i < count; ++i) removed += drop({hashes[i], fingerprints[i]});
    return removed;
}

void Table::clear() {
    const std::lock_guard lock(mutex_);
    rows_ = 0;
    spread();  // even if memory can't be had below, the table is empty
    resize(std::min(kFirstRows, max_rows_), kSpare);
}

std::size_t Table::rows() const {
    const std::lock_guard lock(mutex_);
    return rows_;
}

std::size_t Table::bytes() const {
    const std::lock_guard lock(mutex_);
    return slot_count_ * stride_;
}

std::size_t Table::home(const Key& key) const {
    return static_cast<std::size_t>((static_cast<unsigned __int128>(key.hash) * capacity_) >> 64);
}

Key Table::key(std::size_t slot) const {
    Key key;
    std::memcpy(&key, at(slot), sizeof key);
    return key;
}

bool Table::empty(std::size_t slot) const { return key(slot) == kEmpty; }

bool Table::holds(std::size_t slot, const Key& wanted) const {
    return key(slot) == wanted && wanted != kEmpty;
}

void Table::prefetch(const Key& key) const {
    const std::byte* slot = at(home(key));
    __builtin_prefetch(slot);
    __builtin_prefetch(slot + kLine);
}

// The first slot, from the key's home on, whose key isn't smaller. The guard ends every walk.
std::size_t Table::find(const Key& wanted) const {
    std::size_t slot = home(wanted);
    while (key(slot) < wanted) ++slot;
    return slot;
}

bool Table::put(const Key& wanted, const double* values) {
    if (wanted == kEmpty) return false;
    std::size_t slot = find(wanted);
    if (key(slot) != wanted) {
        if (rows_ == max_rows_) return false;
        if (rows_ == limit_) {
            resize(std::min(2 * limit_, max_rows_), spare_);
            return put(wanted, values);
        }
        std::size_t gap = slot;
        while (!empty(gap)) ++gap;
        if (gap + 1 == slot_count_) {
            resize(limit_, 2 * spare_);
            return put(wanted, values);
        }
        open(slot, gap);
        std::memcpy(at(slot), &wanted, sizeof wanted);
        ++rows_;
    }
    std::memcpy(at(slot) + sizeof(Key), values, features_ * sizeof(double));
    return true;
}

// Moves slots [slot, gap) up by one.
void Table::open(std::size_t slot, std::size_t gap) {
    std::memmove(at(slot + 1), at(slot), (gap - slot) * stride_);
}

// Closes the gap by moving back the slots behind it that aren't at their homes, so that nothing
// marks where a row was: searches stay as short, and the table as small, as if the row had never
// been there.
bool Table::drop(const Key& wanted) {
    const std::size_t slot = find(wanted);
    if (!holds(slot, wanted)) return false;
    std::size_t last = slot;
    while (!empty(last + 1) && home(key(last + 1)) <= last) ++last;
    std::memmove(at(slot), at(slot + 1), (last - slot) * stride_);
    std::memcpy(at(last), &kEmpty, sizeof kEmpty);
    --rows_;
    return true;
}

// Grows within one reallocation, which moves large blocks without copying them: the rows are packed
// against the new end and from there put in their places, front to back. The k-th of r rows is
// written to slot <= slots - r + k, where it is read from, so nothing unread is overwritten.
void Table::resize(std::size_t limit, std::size_t spare) {
    const std::size_t capacity = homes_for(limit);
    const std::size_t slots = capacity + spare + 1;
    auto* memory = static_cast<std::byte*>(std::realloc(slots_.get(), slots * stride_));
    if (memory == nullptr) throw std::bad_alloc();
    static_cast<void>(slots_.release());
    slots_.reset(memory);
    pack(slots);
    limit_ = limit, capacity_ = capacity, spare_ = spare, slot_count_ = slots;
    spread();
}

void Table::pack(std::size_t slots) {
    std::size_t to = slots;
    for (std::size_t from = slot_count_; to > slots - rows_;) {
        if (!empty(--from)) std::memmove(at(--to), at(from), stride_);
    }
}

void Table::spread() {
    std::size_t next = 0;
    for (std::size_t from = slot_count_ - rows_; from < slot_count_; ++from, ++next) {
        const std::size_t place = std::max(home(key(from)), next);
        for (; next < place; ++next) std::memcpy(at(next), &kEmpty, sizeof kEmpty);
        std::memmove(at(place), at(from), stride_);
    }
    for (; next < slot_count_; ++next) std::memcpy(at(next), &kEmpty, sizeof kEmpty);
}

}  // namespace featuretable
