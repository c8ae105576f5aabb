// One lane at a time: the traits every instruction set offers to the kernel.
//
//   Real  the numbers of `width` lanes; + - * / are IEEE, one rounding each
//   Bits  the same lanes as unsigned integers of an Element's size
//   Word  one 32-bit word per lane, as Philox makes them
//   Wide  the same with room for products
//   Mask  one truth value per lane
//
// Everything has internal linkage and uses compiler builtins only: a translation unit built for a
// newer instruction set must not leave code behind that the linker could share with the others.
#pragma once

#include <cfloat>
#include <cstddef>
#include <cstdint>

#ifdef __FAST_MATH__
#error "draws are pinned bit by bit: build without -ffast-math"
#endif
static_assert(FLT_EVAL_METHOD == 0, "draws need float and double to round at every step");

namespace betadist {
namespace {

template <class T>
struct Format;

template <>
struct Format<float> {
    using Bits = std::uint32_t;
    using Signed = std::int32_t;
    static constexpr int mantissa = 23;
    static constexpr int bias = 127;
};

template <>
struct Format<double> {
    using Bits = std::uint64_t;
    using Signed = std::int64_t;
    static constexpr int mantissa = 52;
    static constexpr int bias = 1023;
};

template <class T>
struct Scalar {
    using Element = T;
    using Real = T;
    using Bits = typename Format<T>::Bits;
    using Word = std::uint32_t;
    using Wide = std::uint32_t;
    using Mask = bool;
    static constexpr int width = 1;

    // Memory
    static Real load(const T* from) { return *from; }
    static void store(T* to, Real x) { *to = x; }
    static void load_lanes(const std::uint64_t* from, Wide& low, Wide& high) {
        low = static_cast<Wide>(*from);
        high = static_cast<Wide>(*from >> 32);
    }
    // Writes those of the first `live` positions whose mask is set and returns how many. `to` has
    // room for `width`.
    static int compact(Mask keep, int live, const std::uint32_t* positions, std::uint32_t* to) {
        *to = *positions;
        return keep && live > 0;
    }

    // Arithmetic
    static Real set(T x) { return x; }
    static Real fma(Real a, Real b, Real c) {
        if constexpr (sizeof(T) == 4) {
            return __builtin_fmaf(a, b, c);
        } else {
            return __builtin_fma(a, b, c);
        }
    }
    static Real sqrt(Real x) {
        if constexpr (sizeof(T) == 4) {
            return __builtin_sqrtf(x);
        } else {
            return __builtin_sqrt(x);
        }
    }
    static Real abs(Real x) { return real(bits(x) & (~Bits{0} >> 1)); }
    static Real min(Real a, Real b) { return a < b ? a : b; }
    static Real max(Real a, Real b) { return a > b ? a : b; }

    // Choice
    static Mask less(Real a, Real b) { return a < b; }
    static Mask both(Mask a, Mask b) { return a && b; }
    static Mask either(Mask a, Mask b) { return a || b; }
    static Mask invert(Mask a) { return !a; }
    static bool any(Mask a) { return a; }
    static Real select(Mask choose, Real yes, Real no) { return choose ? yes : no; }

    // Bits
    static Bits bits(Real x) { return __builtin_bit_cast(Bits, x); }
    static Real real(Bits x) { return __builtin_bit_cast(Real, x); }
    static Bits set_bits(Bits x) { return x; }
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
    static Word intersect_words(Word a, std::uint32_t b) { return a & b; }
    static Word unite_words(Word a, Word b) { return a | b; }
    template <int n>
    static Word word_left(Word a) {
        return a << n;
    }
    template <int n>
    static Word word_right(Word a) {
        return a >> n;
    }
    static Real from_unsigned(Word x) { return static_cast<Real>(x); }  // to nearest
    static Real from_signed(Word x) { return static_cast<Real>(static_cast<std::int32_t>(x)); }
    template <int n>
    static Mask has_bit(Word x) {
        return (x >> n & 1) != 0;
    }
    static Word mask_word(Mask m) { return m ? ~Word{0} : 0; }
    // x, negated where the word's top bit is set.
    static Real negate_by(Real x, Word word) {
        return real(bits(x) ^ Bits{word >> 31} << (8 * sizeof(T) - 1));
    }

    // Wides
    static Wide widen(std::uint32_t x) { return x; }
    static Word narrow(Wide x) { return x; }
    static void multiply(std::uint32_t a, Wide b, Wide& high, Wide& low) {
        const std::uint64_t product = std::uint64_t{a} * b;
        high = static_cast<Wide>(product >> 32);
        low = static_cast<Wide>(product);
    }
    static Wide exclusive(Wide a, Wide b, std::uint64_t c) { return a ^ b ^ static_cast<Wide>(c); }
};

}  // namespace
}  // namespace betadist
