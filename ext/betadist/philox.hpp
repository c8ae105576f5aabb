// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011),
// doi 10.1145/2063384.2063405.
#pragma once

#include "scalar.hpp"

namespace betadist {
namespace {

template <class V>
struct Words {
    typename V::Word w0, w1, w2, w3;
};

template <class V>
struct Counter {
    typename V::Wide w0, w1, w2, w3;
};

// The key words of each round, for all the blocks of a key.
struct Schedule {
    std::uint64_t low[10], high[10];

    explicit Schedule(std::uint64_t key) {
        for (std::uint32_t round = 0; round < 10; ++round) {
            low[round] = static_cast<std::uint32_t>(key) + round * 0x9E3779B9u;
            high[round] = static_cast<std::uint32_t>(key >> 32) + round * 0xBB67AE85u;
        }
    }
};

template <class V>
Counter<V> philox_round(const Counter<V>& c, std::uint64_t key_low, std::uint64_t key_high) {
    typename V::Wide high0, low0, high1, low1;
    V::multiply(0xD2511F53u, c.w0, high0, low0);
    V::multiply(0xCD9E8D57u, c.w2, high1, low1);
    return {V::exclusive(high1, c.w1, key_low), low1, V::exclusive(high0, c.w3, key_high), low0};
}

// `n` vectors of blocks side by side: the ten rounds of one leave the processor waiting.
template <class V, int n>
void philox(Counter<V> (&counters)[n], const Schedule& key, Words<V>* out) {
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
        for (int i = 0; i < n; ++i) {
            counters[i] = philox_round<V>(counters[i], key.low[round], key.high[round]);
        }
    }
    for (int i = 0; i < n; ++i) {
        const auto& c = counters[i];
        out[i] = {V::narrow(c.w0), V::narrow(c.w1), V::narrow(c.w2), V::narrow(c.w3)};
    }
}

}  // namespace
}  // namespace betadist
