#include "slots.hpp"

#include <cstdlib>
#include <new>

namespace featuretable {
namespace {

constexpr std::size_t kFirstRows = 64;  // rows that fit in a fresh table
// At 4/5 full the last cluster outgrows k spare slots with probability about exp(-0.45 k).
constexpr std::size_t kSpare = 64;

}  // namespace

void Slots::Free::operator()(std::byte* memory) const { std::free(memory); }

Slots::Slots(std::size_t row_bytes, std::size_t max_rows)
    : max_rows_(max_rows), stride_(sizeof(Key) + row_bytes) {
    resize(std::min(kFirstRows, max_rows_), kSpare);
}

std::byte* Slots::put(const Key& wanted) {
    if (wanted == kEmpty) return nullptr;
    const std::size_t slot = search(wanted);
    if (key(slot) == wanted) return row(slot);
    if (rows_ == max_rows_) return nullptr;
    if (rows_ == limit_) {
        resize(std::min(2 * limit_, max_rows_), spare_);
        return put(wanted);
    }
    std::size_t gap = slot;
    while (!empty(gap)) ++gap;
    if (gap + 1 == slot_count_) {
        resize(limit_, 2 * spare_);
        return put(wanted);
    }
    open(slot, gap);
    std::memcpy(at(slot), &wanted, sizeof wanted);
    ++rows_;
    return row(slot);
}

bool Slots::remove(const Key& wanted) {
    const std::size_t slot = search(wanted);
    if (key(slot) != wanted || wanted == kEmpty) return false;
    vacate(slot);
    return true;
}

void Slots::clear() {
    rows_ = 0;
    spread();  // even if memory can't be had below, the table is empty
    resize(std::min(kFirstRows, max_rows_), kSpare);
}

std::size_t Slots::first(std::size_t place) const {
    std::size_t slot = place;
    while (!empty(slot) && home(key(slot)) < place) ++slot;
    return slot;
}

// Closes the gap by moving back the slots behind it that aren't at their homes, so that nothing
// marks where a row was: searches stay as short, and the table as small, as if the row had never
// been there.
void Slots::vacate(std::size_t slot) {
    std::size_t last = slot;
    while (!empty(last + 1) && home(key(last + 1)) <= last) ++last;
    std::memmove(at(slot), at(slot + 1), (last - slot) * stride_);
    std::memcpy(at(last), &kEmpty, sizeof kEmpty);
    --rows_;
}

// Moves slots [slot, gap) up by one.
void Slots::open(std::size_t slot, std::size_t gap) {
    std::memmove(at(slot + 1), at(slot), (gap - slot) * stride_);
}

// Grows within one reallocation, which moves large blocks without copying them: the rows are packed
// against the new end and from there put in their places, front to back. The k-th of r rows is
// written to slot <= slots - r + k, where it is read from, so nothing unread is overwritten.
void Slots::resize(std::size_t limit, std::size_t spare) {
    const std::size_t capacity = homes_for(limit);
    const std::size_t slots = capacity + spare + 1;
    reallocate(slots);
    pack(slots);
    limit_ = limit, capacity_ = capacity, spare_ = spare, slot_count_ = slots;
    spread();
}

// Keeps what is there. Slots of 32 bytes that lay across lines would cost a look-up an eighth more;
// blocks that are large enough for that to matter keep their place within a page.
void Slots::reallocate(std::size_t slots) {
    const std::size_t kept = std::min(slots, slot_count_) * stride_;
    void* const memory = std::realloc(block_.get(), slots * stride_ + kLine);
    if (memory == nullptr) throw std::bad_alloc();
    static_cast<void>(block_.release());
    block_.reset(static_cast<std::byte*>(memory));
    const std::size_t before = lead_;
    lead_ = -reinterpret_cast<std::uintptr_t>(memory) % kLine;
    first_ = block_.get() + lead_;
    if (kept != 0 && lead_ != before) std::memmove(first_, block_.get() + before, kept);
}

void Slots::pack(std::size_t slots) {
    std::size_t to = slots;
    for (std::size_t from = slot_count_; to > slots - rows_;) {
        if (!empty(--from)) std::memmove(at(--to), at(from), stride_);
    }
}

void Slots::spread() {
    std::size_t next = 0;
    for (std::size_t from = slot_count_ - rows_; from < slot_count_; ++from, ++next) {
        const std::size_t place = std::max(home(key(from)), next);
        for (; next < place; ++next) std::memcpy(at(next), &kEmpty, sizeof kEmpty);
        std::memmove(at(place), at(from), stride_);
    }
    for (; next < slot_count_; ++next) std::memcpy(at(next), &kEmpty, sizeof kEmpty);
}

}  // namespace featuretable
