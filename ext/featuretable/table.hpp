// A bounded hash table from (hash, fingerprint) to a row of doubles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

namespace featuretable {

struct Key {
    std::uint64_t hash;
    std::uint64_t fingerprint;

    bool operator==(const Key&) const = default;
    bool operator<(const Key& other) const {
        return hash != other.hash ? hash < other.hash : fingerprint < other.fingerprint;
    }
};

// Linear probing in key order (Amble & Knuth, "Ordered hash tables", Computer Journal 17(2), 1974).
// The home slot is the high half of hash * capacity, which grows with the hash, so the occupied
// slots are sorted by key from one end to the other: a search, whether it succeeds or not, stops at
// the first slot that isn't smaller. An empty slot holds the greatest key there is, which is
// therefore never found and never fits. Nothing wraps around: spare slots follow the last home.
//
// A slot is key and values side by side, so a row of two doubles takes 32 bytes and at most 4/5 of
// the slots are taken: a search reads 3 slots on average when full, of one or two cache lines.
class Table {
public:
    Table(std::size_t features, std::size_t max_rows);

    std::size_t lookup(const std::uint64_t* hashes, const std::uint64_t* fingerprints,
                       std::size_t count, double* values, bool* found) const;
    std::size_t upsert(const std::uint64_t* hashes, const std::uint64_t* fingerprints,
                       std::size_t count, const double* values);
    std::size_t remove(const std::uint64_t* hashes, const std::uint64_t* fingerprints,
                       std::size_t count);
    void clear();
    std::size_t rows() const;
    std::size_t bytes() const;

private:
    struct Free {
        void operator()(std::byte* memory) const;
    };

    std::size_t home(const Key& key) const;
    std::byte* at(std::size_t slot) const { return slots_.get() + slot * stride_; }
    Key key(std::size_t slot) const;
    bool empty(std::size_t slot) const;
    bool holds(std::size_t slot, const Key& wanted) const;
    void prefetch(const Key& key) const;
    std::size_t find(const Key& key) const;
    bool put(const Key& key, const double* values);
    void open(std::size_t slot, std::size_t gap);
    bool drop(const Key& key);
    void resize(std::size_t limit, std::size_t spare);
    void pack(std::size_t slots);
    void spread();

    const std::size_t features_;
    const std::size_t max_rows_;
    const std::size_t stride_;  // bytes of a slot
    std::size_t limit_ = 0;     // rows that fit before the next growth
    std::size_t capacity_ = 0;  // home slots
    std::size_t spare_ = 0;     // slots after the last home; one more stays empty as a guard
    std::size_t slot_count_ = 0;
    std::size_t rows_ = 0;
    std::unique_ptr<std::byte, Free> slots_;
    mutable std::mutex mutex_;
};

}  // namespace featuretable
