#include "table.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace featuretable {

Table::Table(std::size_t features, std::size_t max_rows)
    : features_(features), slots_(features * sizeof(double), max_rows) {}

std::size_t Table::lookup(const Keys& keys, double* values, bool* found) const {
    const std::lock_guard lock(mutex_);
    std::size_t hits = 0;
    slots_.each(keys, [&](std::size_t i, const Key& key) {
        const std::byte* row = slots_.find(key);
        found[i] = row != nullptr;
        hits += found[i];
        if (row != nullptr && features_ == 2) {  // alpha and beta: not by a call, 1.5 ns a key
            std::memcpy(values + i * 2, row, 2 * sizeof(double));
        } else if (row != nullptr) {
            std::memcpy(values + i * features_, row, features_ * sizeof(double));
        } else {
            std::fill_n(values + i * features_, features_,
                        std::numeric_limits<double>::quiet_NaN());
        }
    });
    return hits;
}

std::size_t Table::upsert(const Keys& keys, const double* values) {
    const std::lock_guard lock(mutex_);
    std::size_t refused = 0;
    slots_.each(keys, [&](std::size_t i, const Key& key) {
        std::byte* row = slots_.put(key);
        refused += row == nullptr;
        if (row != nullptr) std::memcpy(row, values + i * features_, features_ * sizeof(double));
    });
    return refused;
}

std::size_t Table::remove(const Keys& keys) {
    const std::lock_guard lock(mutex_);
    std::size_t removed = 0;
    slots_.each(keys, [&](std::size_t, const Key& key) { removed += slots_.remove(key); });
    return removed;
}

void Table::clear() {
    const std::lock_guard lock(mutex_);
    slots_.clear();
}

std::size_t Table::rows() const {
    const std::lock_guard lock(mutex_);
    return slots_.rows();
}

std::size_t Table::bytes() const {
    const std::lock_guard lock(mutex_);
    return slots_.bytes();
}

}  // namespace featuretable
