// Slots of a key and a row of bytes each, in one block, sorted by key.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace featuretable {

struct Key {
    std::uint64_t hash;
    std::uint64_t fingerprint;

    bool operator==(const Key&) const = default;
    bool operator<(const Key& other) const {
        return hash != other.hash ? hash < other.hash : fingerprint < other.fingerprint;
    }
};

// The keys of a call.
struct Keys {
    const std::uint64_t* hashes;
    const std::uint64_t* fingerprints;
    std::size_t count;

    Key operator[](std::size_t i) const { return {hashes[i], fingerprints[i]}; }
};

// Linear probing in key order (Amble & Knuth, "Ordered hash tables", Computer Journal 17(2), 1974).
// The home slot is the high half of hash * capacity, which grows with the hash, so the occupied
// slots are sorted by key from one end to the other: a search, whether it succeeds or not, stops at
// the first slot that isn't smaller. An empty slot holds the greatest key there is, which is
// therefore never found and never fits. Nothing wraps around: spare slots follow the last home.
//
// A slot is key and row side by side and at most 4/5 of the slots are taken: a search reads 3 slots
// on average when full.
class Slots {
public:
    static constexpr Key kEmpty{~std::uint64_t{0}, ~std::uint64_t{0}};

    Slots(std::size_t row_bytes, std::size_t max_rows);

    // The key's row; null where there is none. Valid until a row is put or removed.
    std::byte* find(const Key& wanted) const {
        const std::size_t slot = search(wanted);
        return key(slot) == wanted && wanted != kEmpty ? row(slot) : nullptr;
    }
    // The key's row, made when there is none; null when it doesn't fit.
    std::byte* put(const Key& wanted);
    bool remove(const Key& wanted);
    void clear();
    std::size_t rows() const { return rows_; }
    std::size_t bytes() const { return slot_count_ * stride_; }

    // The rows of one home are side by side, wherever others before them have pushed them to. Slots
    // stay what they are until a row is put or removed.
    static std::size_t homes_for(std::size_t rows) { return rows + rows / 4 + 1; }
    std::size_t first(std::size_t place) const;
    bool at_home(std::size_t slot, std::size_t place) const {
        return slot < slot_count_ && !empty(slot) && home(key(slot)) == place;
    }
    void prefetch(std::size_t home) const {
        __builtin_prefetch(at(home));
        __builtin_prefetch(at(home) + kLine);
    }
    void vacate(std::size_t slot);
    std::byte* row(std::size_t slot) const { return at(slot) + sizeof(Key); }

    // Calls visit(i, key) for every key, after its memory was asked for.
    template <class Visit>
    void each(const Keys& keys, Visit visit) const {
        for (std::size_t i = 0; i < std::min(keys.count, kAhead); ++i) prefetch(home(keys[i]));
        for (std::size_t i = 0; i < keys.count; ++i) {
            if (i + kAhead < keys.count) prefetch(home(keys[i + kAhead]));
            visit(i, keys[i]);
        }
    }

private:
    static constexpr std::size_t kLine = 64;   // bytes of a cache line
    static constexpr std::size_t kAhead = 48;  // keys prefetched before their turn

    struct Free {
        void operator()(std::byte* memory) const;
    };

    std::size_t home(const Key& key) const {
        return static_cast<std::size_t>((static_cast<unsigned __int128>(key.hash) * capacity_) >>
                                        64);
    }
    std::byte* at(std::size_t slot) const { return first_ + slot * stride_; }
    Key key(std::size_t slot) const {
        Key key;
        std::memcpy(&key, at(slot), sizeof key);
        return key;
    }
    std::uint64_t hash(std::size_t slot) const {
        std::uint64_t hash;
        std::memcpy(&hash, at(slot), sizeof hash);
        return hash;
    }
    bool empty(std::size_t slot) const { return key(slot) == kEmpty; }
    // The first slot, from the key's home on, whose key isn't smaller. The guard ends every walk,
    // and the spare slots are more than are looked at ahead.
    std::size_t search(const Key& wanted) const {
        std::size_t slot = home(wanted);
        if (stride_ <= kLine / 2) {  // three are in the lines that were asked for: no guess, 4 ns
            slot += (hash(slot) < wanted.hash) + (hash(slot + 1) < wanted.hash) +
                    (hash(slot + 2) < wanted.hash);
        }
        while (key(slot) < wanted) ++slot;
        return slot;
    }
    void open(std::size_t slot, std::size_t gap);
    void resize(std::size_t limit, std::size_t spare);
    void reallocate(std::size_t slots);
    void pack(std::size_t slots);
    void spread();

    const std::size_t max_rows_;
    const std::size_t stride_;  // bytes of a slot
    std::size_t limit_ = 0;     // rows that fit before the next growth
    std::size_t capacity_ = 0;  // home slots
    std::size_t spare_ = 0;     // slots after the last home; one more stays empty as a guard
    std::size_t slot_count_ = 0;
    std::size_t rows_ = 0;
    std::unique_ptr<std::byte, Free> block_;
    std::size_t lead_ = 0;        // its bytes before the first slot,
    std::byte* first_ = nullptr;  // which begins a cache line
};

}  // namespace featuretable
