// A block of lanes, some of its lanes, and copies of some.
#pragma once

#include "columns.hpp"

namespace betadist {
namespace {

// What the stages of 512 lanes leave for each other takes 24 KiB in float32 and 52 in float64, of
// 48 in the first-level cache; 256 cost 13 % more where many lanes are undecided.
constexpr int block_size = 512;

struct Identity {
    std::uint32_t at[block_size];

    constexpr Identity() : at() {
        for (std::uint32_t i = 0; i < block_size; ++i) at[i] = i;
    }
};

constexpr Identity every_position{};

// Some positions in a block. A compaction reads and writes whole vectors.
template <int width>
struct List {
    alignas(64) std::uint32_t at[block_size + width];
    int count = 0;
};

template <class T>
Columns<T> tail_of(const Columns<T>& columns, int i) {
    return {columns.alpha + i, columns.beta + i, columns.lanes + i};
}

// Copies of the columns of up to `size` lanes, side by side, followed by copies of the last lane up
// to a whole number of groups.
template <class T, int size, int group>
struct Copy {
    alignas(64) T alpha[size];
    alignas(64) T beta[size];
    alignas(64) std::uint64_t lanes[size];

    Columns<T> take(const Columns<T>& from, const std::uint32_t* at, int count) {
        for (int i = 0; i < count; ++i) {
            alpha[i] = from.alpha[at[i]];
            beta[i] = from.beta[at[i]];
            lanes[i] = from.lanes[at[i]];
        }
        for (int i = count; i % group != 0; ++i) {
            alpha[i] = alpha[count - 1];
            beta[i] = beta[count - 1];
            lanes[i] = lanes[count - 1];
        }
        return {alpha, beta, lanes};
    }
};

}  // namespace
}  // namespace betadist
