// 16 lanes of float32 or 8 of float64 by AVX-512 (F, VL, DQ).
#pragma once

#include <immintrin.h>

#include "vector.hpp"

namespace betadist {
namespace {

// What both sizes share: a truth value per lane is one bit of a mask register.
template <class T, class MaskBits>
struct Avx512Base : Vector<T, 64 / sizeof(T)> {
    using Base = Vector<T, 64 / sizeof(T)>;
    using typename Base::Real;
    using Mask = MaskBits;

    static Mask both(Mask a, Mask b) { return a & b; }
    static Mask either(Mask a, Mask b) { return a | b; }
    static Mask invert(Mask a) { return ~a; }
    static bool any(Mask a) { return a != 0; }
};

template <class T>
struct Avx512;

template <>
struct Avx512<float> : Avx512Base<float, __mmask16> {
    struct Wide {
        __m512i first, second;  // lanes 0..7 and 8..15, a word in the lower half of each 64 bits
    };

    static void load_lanes(const std::uint64_t* from, Wide& low, Wide& high) {
        split({_mm512_loadu_si512(from), _mm512_loadu_si512(from + 8)}, low, high);
    }
    static int compact(Mask keep, int live, const std::uint32_t* positions, std::uint32_t* to) {
        const unsigned kept = living(keep, live);
        const auto at = _mm512_loadu_si512(positions);
        _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(static_cast<Mask>(kept), at));
        return __builtin_popcount(kept);
    }

    static Real fma(Real a, Real b, Real c) { return _mm512_fmadd_ps(a, b, c); }
    static Real sqrt(Real x) { return _mm512_sqrt_ps(x); }
    static Real min(Real a, Real b) { return _mm512_min_ps(a, b); }
    static Real max(Real a, Real b) { return _mm512_max_ps(a, b); }
    static Mask less(Real a, Real b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
    static Real select(Mask choose, Real yes, Real no) {
        return _mm512_mask_blend_ps(choose, no, yes);
    }
    template <int n>
    static Mask has_bit(Word x) {
        return _mm512_test_epi32_mask((__m512i)x, _mm512_set1_epi32(1 << n));
    }
    static Word mask_word(Mask m) { return (Word)_mm512_movm_epi32(m); }

    static Wide widen(std::uint32_t x) { return {_mm512_set1_epi64(x), _mm512_set1_epi64(x)}; }
    static Word narrow(Wide x) {
        const auto even =
            _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        return (Word)_mm512_permutex2var_epi32(x.first, even, x.second);
    }
    static void multiply(std::uint32_t a, Wide b, Wide& high, Wide& low) {
        const auto factor = _mm512_set1_epi64(a);
        split({_mm512_mul_epu32(factor, b.first), _mm512_mul_epu32(factor, b.second)}, low, high);
    }
    static Wide exclusive(Wide a, Wide b, std::uint64_t c) {
        const auto all = _mm512_set1_epi64(c);
        return {_mm512_ternarylogic_epi64(a.first, b.first, all, 0x96),
                _mm512_ternarylogic_epi64(a.second, b.second, all, 0x96)};
    }
    using Base::exclusive;

   private:
    static void split(Wide x, Wide& low, Wide& high) {
        low = x;
        high = {_mm512_srli_epi64(x.first, 32), _mm512_srli_epi64(x.second, 32)};
    }
};

template <>
struct Avx512<double> : Avx512Base<double, __mmask8> {
    using Wide = __m512i;  // a word in the lower half of each lane

    static void load_lanes(const std::uint64_t* from, Wide& low, Wide& high) {
        split(_mm512_loadu_si512(from), low, high);
    }
    static int compact(Mask keep, int live, const std::uint32_t* positions, std::uint32_t* to) {
        const unsigned kept = living(keep, live);
        const auto at =
            _mm256_maskz_compress_epi32(static_cast<Mask>(kept), positions_at(positions));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), at);
        return __builtin_popcount(kept);
    }

    static Real fma(Real a, Real b, Real c) { return _mm512_fmadd_pd(a, b, c); }
    static Real sqrt(Real x) { return _mm512_sqrt_pd(x); }
    static Real min(Real a, Real b) { return _mm512_min_pd(a, b); }
    static Real max(Real a, Real b) { return _mm512_max_pd(a, b); }
    static Mask less(Real a, Real b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
    static Real select(Mask choose, Real yes, Real no) {
        return _mm512_mask_blend_pd(choose, no, yes);
    }
    template <int n>
    static Mask has_bit(Word x) {
        return _mm512_test_epi64_mask((__m512i)x, _mm512_set1_epi64(std::int64_t{1} << n));
    }
    static Word mask_word(Mask m) { return (Word)_mm512_maskz_set1_epi64(m, word_bits); }

    static Wide widen(std::uint32_t x) { return _mm512_set1_epi64(x); }
    static Word narrow(Wide x) { return (Word)x & word_bits; }
    static void multiply(std::uint32_t a, Wide b, Wide& high, Wide& low) {
        split(_mm512_mul_epu32(_mm512_set1_epi64(a), b), low, high);
    }
    static Wide exclusive(Wide a, Wide b, std::uint64_t c) {
        return _mm512_ternarylogic_epi64(a, b, _mm512_set1_epi64(c), 0x96);
    }
    using Base::exclusive;

   private:
    static __m256i positions_at(const std::uint32_t* at) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    }
    static void split(Wide x, Wide& low, Wide& high) {
        low = x;
        high = _mm512_srli_epi64(x, 32);
    }
};

}  // namespace
}  // namespace betadist
