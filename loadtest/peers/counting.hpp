// The traits of ext/betadist/scalar.hpp, which count what they do by kind.
#pragma once

#include "scalar.hpp"

namespace counting {

enum Kind {
    FMA, MUL, PRODUCT, HIGH, MIX, ADD, COMPARE, CONVERT, DIV, SQRT, LOGIC, SELECT, SHIFT,
    LOAD, STORE, COMPACT, KINDS
};

constexpr const char* names[KINDS] = {"fma",     "mul",  "product", "high",  "mix",    "add",
                                      "compare", "convert", "div",  "sqrt",  "logic",  "select",
                                      "shift",   "load", "store",   "compact"};

inline std::uint64_t counts[KINDS];

template <class X>
X count(Kind kind, X x) {
    ++counts[kind];
    return x;
}

// A number that counts its arithmetic.
template <class T>
struct Real {
    T x;

    Real operator-() const { return {count(LOGIC, -x)}; }
    friend Real operator+(Real a, Real b) { return {count(ADD, a.x + b.x)}; }
    friend Real operator-(Real a, Real b) { return {count(ADD, a.x - b.x)}; }
    friend Real operator*(Real a, Real b) { return {count(MUL, a.x * b.x)}; }
    friend Real operator/(Real a, Real b) { return {count(DIV, a.x / b.x)}; }
};

template <class T>
struct Counting {
    using Plain = betadist::Scalar<T>;
    using Element = T;
    using Real = counting::Real<T>;
    using Bits = typename Plain::Bits;
    using Word = typename Plain::Word;
    using Wide = typename Plain::Wide;
    using Mask = typename Plain::Mask;
    static constexpr int width = 1;

    static Real load(const T* from) { return {count(LOAD, *from)}; }
    static void store(T* to, Real a) { *to = count(STORE, a.x); }
    static void load_lanes(const std::uint64_t* from, Wide& low, Wide& high) {
        count(LOAD, 0);
        Plain::load_lanes(from, low, high);
    }
    static int compact(Mask keep, int live, const std::uint32_t* positions, std::uint32_t* to) {
        return count(COMPACT, Plain::compact(keep, live, positions, to));
    }

    static Real set(T x) { return {x}; }
    static Real fma(Real a, Real b, Real c) { return {count(FMA, Plain::fma(a.x, b.x, c.x))}; }
    static Real sqrt(Real a) { return {count(SQRT, Plain::sqrt(a.x))}; }
    static Real abs(Real a) { return {count(LOGIC, Plain::abs(a.x))}; }
    static Real min(Real a, Real b) { return {count(COMPARE, Plain::min(a.x, b.x))}; }
    static Real max(Real a, Real b) { return {count(COMPARE, Plain::max(a.x, b.x))}; }

    static Mask less(Real a, Real b) { return count(COMPARE, a.x < b.x); }
    // Masks have registers and units of their own.
    static Mask both(Mask a, Mask b) { return a && b; }
    static Mask either(Mask a, Mask b) { return a || b; }
    static Mask invert(Mask a) { return !a; }
    static bool any(Mask a) { return a; }
    static Real select(Mask choose, Real yes, Real no) { return count(SELECT, choose ? yes : no); }

    static Bits bits(Real a) { return Plain::bits(a.x); }
    static Real real(Bits a) { return {Plain::real(a)}; }
    static Bits set_bits(Bits a) { return a; }
    static Bits add(Bits a, Bits b) { return count(LOGIC, a + b); }
    static Bits greater(Bits a, Bits b) { return count(COMPARE, Plain::greater(a, b)); }
    static Bits intersect(Bits a, Bits b) { return count(LOGIC, a & b); }
    static Bits unite(Bits a, Bits b) { return count(LOGIC, a | b); }
    template <int n>
    static Bits left(Bits a) {
        return count(SHIFT, a << n);
    }
    template <int n>
    static Bits right(Bits a) {
        return count(SHIFT, a >> n);
    }

    static Word exclusive(Word a, Word b) { return count(LOGIC, a ^ b); }
    static Word intersect_words(Word a, std::uint32_t b) { return count(LOGIC, a & b); }
    static Word unite_words(Word a, Word b) { return count(LOGIC, a | b); }
    template <int n>
    static Word word_left(Word a) {
        return count(SHIFT, a << n);
    }
    template <int n>
    static Word word_right(Word a) {
        return count(SHIFT, a >> n);
    }
    static Real from_unsigned(Word a) { return {count(CONVERT, Plain::from_unsigned(a))}; }
    static Real from_signed(Word a) { return {count(CONVERT, Plain::from_signed(a))}; }
    template <int n>
    static Mask has_bit(Word a) {
        count(COMPARE, 0);
        return Plain::template has_bit<n>(a);
    }
    static Word mask_word(Mask m) { return count(SELECT, Plain::mask_word(m)); }
    static Real negate_by(Real a, Word word) {
        count(LOGIC, 0);
        return {count(LOGIC, Plain::negate_by(a.x, word))};
    }

    static Wide widen(std::uint32_t a) { return a; }
    static Word narrow(Wide a) { return count(SHIFT, a); }
    static void multiply(std::uint32_t a, Wide b, Wide& high, Wide& low) {
        count(PRODUCT, 0);
        count(HIGH, 0);
        Plain::multiply(a, b, high, low);
    }
    static Wide exclusive(Wide a, Wide b, std::uint64_t c) {
        return count(MIX, Plain::exclusive(a, b, c));
    }
};

}  // namespace counting
