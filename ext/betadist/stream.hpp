// Which random bits feed which decision. This table IS the seeded stream: change any of it, or the
// order of any operation after it, and STREAM_VERSION must change.
//
//   key      the two words of `key`, low first
//   counter  (lane low, lane high, draw index, attempt << 8 | purpose); the draw index is 0
//
//   purpose   attempt  words and bits     feed                                      read by
//   PROPOSAL  0, 1, .. w0                 radius of the normals, leading 32 bits    both
//                      w1[31:11]          radius, the next 21 bits                  float64
//                      w2[31]             negates both normals                      both
//                      w2[30]             swaps the normals                         both
//                      w2[29:0]           angle in the quarter, leading 30 bits     both
//                      w3[31:11]          angle, the next 21 bits                   float64
//                      w1[10:0] w3[10:0]  acceptance, leading 22 bits               both
//                      w1[31:11]          acceptance, the next 21 bits              float32
//   REFINE    as above w0                 acceptance, the next 32 bits              float64
//   SMALL     0        w0 w1              exponential of the boost, 64 bits         both
//                      w2 w3              side of the mixture, 64 bits              both
//
// So float64 has 53 bits of radius, 53 of angle and 54 of acceptance, float32 32, 32 and 43 (before
// its rounding), and a float32 draw is the float64 draw of the same shapes but for rounding and the
// rare lane that the bits after turn: 30 of 1.28e8 at shapes of 1. The acceptance bits after the
// 22nd are only looked at where the squeeze leaves a lane undecided.
#pragma once

#include "philox.hpp"
#include "stream_version.hpp"

namespace betadist {

namespace {

enum Purpose : std::uint32_t { PROPOSAL = 0, SMALL = 1, REFINE = 2 };

// The counters of V::width lanes.
template <class V>
Counter<V> counter(const std::uint64_t* lanes, int attempt, Purpose purpose) {
    Counter<V> c;
    V::load_lanes(lanes, c.w0, c.w1);
    c.w2 = V::widen(0);
    c.w3 = V::widen(static_cast<std::uint32_t>(attempt) << 8 | purpose);
    return c;
}

constexpr double halve(int times) {
    double x = 1;
    for (; times > 0; --times) x /= 2;
    return x;
}

template <int n>
constexpr double power_of_two = halve(-n);

template <class V>
typename V::Real constant(double x) {
    return V::set(static_cast<typename V::Element>(x));
}

// base + word 2^exponent, rounded once.
template <class V, int exponent>
typename V::Real add_word(typename V::Real base, typename V::Word word) {
    return V::fma(V::from_unsigned(word), constant<V>(power_of_two<exponent>), base);
}

template <class V>
constexpr bool is_double = sizeof(typename V::Element) == 8;

// Uniform in (0, 1]. float64: (k + 1) 2^-53 of 53 bits, exact. float32: (k + 1/2) 2^-32, rounded.
template <class V>
typename V::Real radius_uniform(const Words<V>& w) {
    if constexpr (is_double<V>) {
        const auto least = constant<V>(power_of_two<-53>);
        const auto tail = add_word<V, -53>(least, V::template word_right<11>(w.w1));
        return add_word<V, -32>(tail, w.w0);
    } else {
        return add_word<V, -32>(constant<V>(power_of_two<-33>), w.w0);
    }
}

// Uniform in (-1/2, 1/2), in quarter turns, symmetric around 0.
template <class V>
typename V::Real quarter_uniform(const Words<V>& w) {
    const auto leading = V::from_signed(V::template word_left<2>(w.w2));
    const auto scale = constant<V>(power_of_two<-32>);
    if constexpr (is_double<V>) {
        const auto half = constant<V>(power_of_two<-52>);
        const auto tail = add_word<V, -51>(half, V::template word_right<11>(w.w3));
        return V::fma(leading, scale, tail);
    } else {
        return V::fma(leading, scale, constant<V>(power_of_two<-31>));
    }
}

// The leading 22 bits of the acceptance uniform, as an integer.
template <class V>
typename V::Word acceptance_bits(const Words<V>& w) {
    return V::unite_words(V::template word_left<11>(V::intersect_words(w.w1, 0x7FF)),
                          V::intersect_words(w.w3, 0x7FF));
}

// The least upper bound of the acceptance uniform that its leading bits give.
template <class V>
typename V::Real acceptance_bound(const Words<V>& w) {
    return add_word<V, -22>(constant<V>(power_of_two<-22>), acceptance_bits<V>(w));
}

// The acceptance uniform with all its bits, in (0, 1].
template <class V>
typename V::Real acceptance_uniform(const Words<V>& w, const std::uint64_t* lanes,
                                    const Schedule& key, int attempt) {
    if constexpr (is_double<V>) {
        const auto half = constant<V>(power_of_two<-55>);
        Counter<V> counters[] = {counter<V>(lanes, attempt, REFINE)};
        Words<V> refined;
        philox<V>(counters, key, &refined);
        const auto tail = add_word<V, -54>(half, refined.w0);
        return add_word<V, -22>(tail, acceptance_bits<V>(w));
    } else {
        const auto half = constant<V>(power_of_two<-44>);
        const auto tail = add_word<V, -43>(half, V::template word_right<11>(w.w1));
        return add_word<V, -22>(tail, acceptance_bits<V>(w));
    }
}

// Uniform in (0, 1] of 64 bits, with full relative precision down to 2^-65.
template <class V>
typename V::Real long_uniform(typename V::Word high, typename V::Word low) {
    const auto tail = add_word<V, -64>(constant<V>(power_of_two<-65>), low);
    return add_word<V, -32>(tail, high);
}

}  // namespace
}  // namespace betadist
