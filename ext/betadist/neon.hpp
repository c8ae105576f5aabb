// 4 lanes of float32 or 2 of float64 by NEON. Wides are packed: a lane's word and nothing else.
#pragma once

#include <arm_neon.h>

#include "kept.hpp"
#include "vector.hpp"

namespace betadist {
namespace {

// What both sizes share.
template <class T>
struct NeonBase : Vector<T, 16 / sizeof(T)> {
    using typename Vector<T, 16 / sizeof(T)>::Mask;

    static bool any(Mask a) { return vmaxvq_u32((uint32x4_t)a) != 0; }
};

template <class T>
struct Neon;

template <>
struct Neon<float> : NeonBase<float> {
    using Wide = Word;

    static void load_lanes(const std::uint64_t* from, Wide& low, Wide& high) {
        split(vld1q_u64(from), vld1q_u64(from + 2), low, high);
    }
    static int compact(Mask keep, int live, const std::uint32_t* positions, std::uint32_t* to) {
        const unsigned kept = living(vaddvq_u32((uint32x4_t)((Bits)keep & Bits{1, 2, 4, 8})), live);
        const auto at = vreinterpretq_u8_u32(vld1q_u32(positions));
        const auto first = vqtbl1q_u8(at, vld1q_u8(kept_first.bytes[kept]));
        vst1q_u32(to, vreinterpretq_u32_u8(first));
        return kept_first.count[kept];
    }

    static Real fma(Real a, Real b, Real c) {
        return (Real)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
    }
    static Real sqrt(Real x) { return (Real)vsqrtq_f32((float32x4_t)x); }
    static Real select(Mask choose, Real yes, Real no) {
        return (Real)vbslq_f32((uint32x4_t)choose, (float32x4_t)yes, (float32x4_t)no);
    }

    static Wide widen(std::uint32_t x) { return set_bits(x); }
    static Word narrow(Wide x) { return x; }
    static void multiply(std::uint32_t a, Wide b, Wide& high, Wide& low) {
        const auto factor = vdupq_n_u32(a);
        const auto wide = (uint32x4_t)b;
        split(vmull_u32(vget_low_u32(factor), vget_low_u32(wide)), vmull_high_u32(factor, wide),
              low, high);
    }
    static Wide exclusive(Wide a, Wide b, std::uint64_t c) {
        return a ^ b ^ set_bits(static_cast<std::uint32_t>(c));
    }
    using Vector::exclusive;

   private:
    static void split(uint64x2_t first, uint64x2_t second, Wide& low, Wide& high) {
        low = (Wide)vuzp1q_u32(vreinterpretq_u32_u64(first), vreinterpretq_u32_u64(second));
        high = (Wide)vuzp2q_u32(vreinterpretq_u32_u64(first), vreinterpretq_u32_u64(second));
    }
};

template <>
struct Neon<double> : NeonBase<double> {
    using Wide = uint32x2_t;

    static void load_lanes(const std::uint64_t* from, Wide& low, Wide& high) {
        split(vld1q_u64(from), low, high);
    }
    static int compact(Mask keep, int live, const std::uint32_t* positions, std::uint32_t* to) {
        const auto set = vaddvq_u64((uint64x2_t)((Bits)keep & Bits{1, 2}));
        const unsigned kept = living(static_cast<unsigned>(set), live);
        const auto at = vreinterpret_u8_u32(vld1_u32(positions));
        vst1_u32(to, vreinterpret_u32_u8(vtbl1_u8(at, vld1_u8(kept_first.bytes[kept]))));
        return kept_first.count[kept];
    }

    static Real fma(Real a, Real b, Real c) {
        return (Real)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
    }
    static Real sqrt(Real x) { return (Real)vsqrtq_f64((float64x2_t)x); }
    static Real select(Mask choose, Real yes, Real no) {
        return (Real)vbslq_f64((uint64x2_t)choose, (float64x2_t)yes, (float64x2_t)no);
    }

    static Wide widen(std::uint32_t x) { return vdup_n_u32(x); }
    static Word narrow(Wide x) { return (Word)vmovl_u32(x); }
    static void multiply(std::uint32_t a, Wide b, Wide& high, Wide& low) {
        split(vmull_u32(vdup_n_u32(a), b), low, high);
    }
    static Wide exclusive(Wide a, Wide b, std::uint64_t c) {
        return veor_u32(veor_u32(a, b), vdup_n_u32(static_cast<std::uint32_t>(c)));
    }
    using Vector::exclusive;

   private:
    static void split(uint64x2_t x, Wide& low, Wide& high) {
        low = vmovn_u64(x);
        high = vshrn_n_u64(x, 32);
    }
};

}  // namespace
}  // namespace betadist
