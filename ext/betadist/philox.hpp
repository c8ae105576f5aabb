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
Words<V> philox_round(const Words<V>& c, std::uint32_t key_low, std::uint32_t key_high) {
    typename V::Word high0, low0, high1, low1;
    V::multiply(0xD2511F53u, c.w0, high0, low0);
    V::multiply(0xCD9E8D57u, c.w2, high1, low1);
    return {V::exclusive(V::exclusive(high1, c.w1), V::set_word(key_low)), low1,
            V::exclusive(V::exclusive(high0, c.w3), V::set_word(key_high)), low0};
}

template <class V>
Words<V> philox(Words<V> counter, std::uint64_t key) {
    auto low = static_cast<std::uint32_t>(key);
    auto high = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
        counter = philox_round<V>(counter, low, high);
        low += 0x9E3779B9u;
        high += 0xBB67AE85u;
    }
    return counter;
}

}  // namespace
}  // namespace betadist
