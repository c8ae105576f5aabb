// A bounded hash table from (hash, fingerprint) to a row of doubles.
#pragma once

#include <cstddef>
#include <mutex>

#include "slots.hpp"

namespace featuretable {

// A row of two doubles takes a slot of 32 bytes, so a search reads one or two cache lines.
class Table {
public:
    Table(std::size_t features, std::size_t max_rows);

    std::size_t lookup(const Keys& keys, double* values, bool* found) const;
    std::size_t upsert(const Keys& keys, const double* values);
    std::size_t remove(const Keys& keys);
    void clear();
    std::size_t rows() const;
    std::size_t bytes() const;

private:
    const std::size_t features_;
    Slots slots_;
    mutable std::mutex mutex_;
};

}  // namespace featuretable
