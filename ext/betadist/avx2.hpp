// 8 lanes of float32 or 4 of float64 by AVX2 and FMA.
#pragma once

#include <immintrin.h>

#include "kept.hpp"
#include "vector.hpp"

namespace betadist {
namespace {

inline int compact_four(unsigned kept, const std::uint32_t* positions, std::uint32_t* to) {
    const auto order = _mm_load_si128(reinterpret_cast<const __m128i*>(kept_first.bytes[kept]));
    const auto at = _mm_loadu_si128(reinterpret_cast<const __m128i*>(positions));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi8(at, order));
    return kept_first.count[kept];
}

template <class T>
struct Avx2;

template <>
struct Avx2<float> : Vector<float, 8> {
    struct Wide {
        __m256i first, second;  // lanes 0..3 and 4..7, a word in the lower half of each 64 bits
    };

    static void load_lanes(const std::uint64_t* from, Wide& low, Wide& high) {
        const auto* at = reinterpret_cast<const __m256i*>(from);
        split({_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)}, low, high);
    }
    static int compact(Mask keep, int live, const std::uint32_t* positions, std::uint32_t* to) {
        const auto set = static_cast<unsigned>(_mm256_movemask_ps((__m256)keep));
        const unsigned kept = living(set, live);
        const int count = compact_four(kept & 15, positions, to);
        return count + compact_four(kept >> 4, positions + 4, to + count);
    }

    static Real fma(Real a, Real b, Real c) { return _mm256_fmadd_ps(a, b, c); }
    static Real sqrt(Real x) { return _mm256_sqrt_ps(x); }
    static Real min(Real a, Real b) { return _mm256_min_ps(a, b); }
    static Real max(Real a, Real b) { return _mm256_max_ps(a, b); }
    static bool any(Mask a) { return _mm256_movemask_ps((__m256)a) != 0; }

    static Wide widen(std::uint32_t x) { return {_mm256_set1_epi64x(x), _mm256_set1_epi64x(x)}; }
    static Word narrow(Wide x) {
        const auto mixed = _mm256_shuffle_ps((__m256)x.first, (__m256)x.second, 0x88);
        return (Word)_mm256_permute4x64_epi64((__m256i)mixed, 0xD8);
    }
    static void multiply(std::uint32_t a, Wide b, Wide& high, Wide& low) {
        const auto factor = _mm256_set1_epi64x(a);
        split({_mm256_mul_epu32(factor, b.first), _mm256_mul_epu32(factor, b.second)}, low, high);
    }
    static Wide exclusive(Wide a, Wide b, std::uint64_t c) {
        const auto all = _mm256_set1_epi64x(static_cast<std::int64_t>(c));
        return {a.first ^ b.first ^ all, a.second ^ b.second ^ all};
    }
    using Vector::exclusive;

   private:
    static void split(Wide x, Wide& low, Wide& high) {
        low = x;
        high = {_mm256_srli_epi64(x.first, 32), _mm256_srli_epi64(x.second, 32)};
    }
};

template <>
struct Avx2<double> : Vector<double, 4> {
    using Wide = __m256i;  // a word in the lower half of each lane

    static void load_lanes(const std::uint64_t* from, Wide& low, Wide& high) {
        split(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), low, high);
    }
    static int compact(Mask keep, int live, const std::uint32_t* positions, std::uint32_t* to) {
        const auto set = static_cast<unsigned>(_mm256_movemask_pd((__m256d)keep));
        return compact_four(living(set, live), positions, to);
    }

    static Real fma(Real a, Real b, Real c) { return _mm256_fmadd_pd(a, b, c); }
    static Real sqrt(Real x) { return _mm256_sqrt_pd(x); }
    static Real min(Real a, Real b) { return _mm256_min_pd(a, b); }
    static Real max(Real a, Real b) { return _mm256_max_pd(a, b); }
    static bool any(Mask a) { return _mm256_movemask_pd((__m256d)a) != 0; }

    static Wide widen(std::uint32_t x) { return _mm256_set1_epi64x(x); }
    static Word narrow(Wide x) { return (Word)x & word_bits; }
    static void multiply(std::uint32_t a, Wide b, Wide& high, Wide& low) {
        split(_mm256_mul_epu32(_mm256_set1_epi64x(a), b), low, high);
    }
    static Wide exclusive(Wide a, Wide b, std::uint64_t c) {
        return a ^ b ^ _mm256_set1_epi64x(static_cast<std::int64_t>(c));
    }
    using Vector::exclusive;

   private:
    static void split(Wide x, Wide& low, Wide& high) {
        low = x;
        high = _mm256_srli_epi64(x, 32);
    }
};

}  // namespace
}  // namespace betadist
