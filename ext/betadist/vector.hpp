// Several lanes at a time in the compilers' portable vector types: the part of the traits that is
// the same for every instruction set. What each operation means stands in scalar.hpp; avx2.hpp,
// avx512.hpp and neon.hpp add what portable vectors lack.
#pragma once

#include "scalar.hpp"

namespace betadist {
namespace {

template <class T, int lanes>
struct Vector {
    using Element = T;
    using Unit = typename Format<T>::Bits;
    using Signed = typename Format<T>::Signed;
    typedef T Real __attribute__((vector_size(lanes * sizeof(T))));
    typedef Unit Bits __attribute__((vector_size(lanes * sizeof(T))));
    typedef Signed Mask __attribute__((vector_size(lanes * sizeof(T))));
    using Word = Bits;  // the upper half of a float64's is 0
    static constexpr int width = lanes;
    static constexpr Unit word_bits = 0xFFFFFFFF;

    // Memory
    static Real load(const T* from) {
        Real x;
        __builtin_memcpy(&x, from, sizeof x);
        return x;
    }
    static void store(T* to, Real x) { __builtin_memcpy(to, &x, sizeof x); }

    // Arithmetic
    static Real set(T x) { return x - Real{}; }  // keeps the sign of -0, which x + 0 doesn't
    static Real abs(Real x) { return real(bits(x) & (~Unit{0} >> 1)); }
    static Real min(Real a, Real b) { return a < b ? a : b; }
    static Real max(Real a, Real b) { return a > b ? a : b; }

    // Choice
    static Mask less(Real a, Real b) { return a < b; }
    static Mask both(Mask a, Mask b) { return a & b; }
    static Mask either(Mask a, Mask b) { return a | b; }
    static Mask invert(Mask a) { return ~a; }
    static Real select(Mask choose, Real yes, Real no) { return choose ? yes : no; }

    // Bits
    static Bits bits(Real x) { return (Bits)x; }
    static Real real(Bits x) { return (Real)x; }
    static Bits set_bits(Unit x) { return x + Bits{}; }
    static Bits add(Bits a, Bits b) { return a + b; }
    static Bits greater(Bits a, Bits b) { return a > b ? a : b; }
    static Bits intersect(Bits a, Bits b) { return a & b; }
    static Bits unite(Bits a, Bits b) { return a | b; }
    template <int n>
    static Bits left(Bits a) {
        return a << n;
    }
    template <int n>
    static Bits right(Bits a) {
        return a >> n;
    }

    // Words
    static Word exclusive(Word a, Word b) { return a ^ b; }
    static Word intersect_words(Word a, std::uint32_t b) { return a & Unit{b}; }
    static Word unite_words(Word a, Word b) { return a | b; }
    template <int n>
    static Word word_left(Word a) {
        return a << n & word_bits;
    }
    template <int n>
    static Word word_right(Word a) {
        return a >> n;
    }
    static Real from_unsigned(Word x) {
        if constexpr (sizeof(T) == 4) {
            return __builtin_convertvector(x, Real);
        } else {
            return real(x | two_to_52) - 0x1p52;
        }
    }
    static Real from_signed(Word x) {
        if constexpr (sizeof(T) == 4) {
            return __builtin_convertvector((Mask)x, Real);
        } else {
            return real((x ^ 0x80000000) | two_to_52) - (0x1p52 + 0x1p31);
        }
    }
    template <int n>
    static Mask has_bit(Word x) {
        return (Mask)(x << (8 * sizeof(T) - 1 - n)) < 0;
    }
    static Word mask_word(Mask m) { return (Bits)m & word_bits; }
    static Real negate_by(Real x, Word word) {
        constexpr Unit sign = ~(~Unit{0} >> 1);
        return real(bits(x) ^ (word << (8 * sizeof(T) - 32) & sign));
    }

   protected:
    // The lanes of a set of kept ones that are among the first `live`.
    static unsigned living(unsigned kept, int live) {
        return kept & ((1u << (live < width ? live : width)) - 1);
    }

   private:
    static constexpr Unit two_to_52 = Unit{0x433} << (8 * sizeof(T) - 12);  // of float64
};

}  // namespace
}  // namespace betadist
