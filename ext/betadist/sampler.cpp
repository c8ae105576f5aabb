#include "sampler.hpp"

#include <bit>
#include <limits>

#include "environment.hpp"
#include "philox.hpp"
#include "split.hpp"

namespace betadist {
namespace {

// By its bits, so that neither NaN nor the thread's treatment of subnormals matters: the finite
// values > 0 are those from the least subnormal to just below infinity.
template <class T>
bool is_fit(T x) {
    using Bits = typename Format<T>::Bits;
    constexpr auto infinity = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
    return std::bit_cast<Bits>(x) - 1 < infinity - 1;
}

}  // namespace

template <class T>
std::size_t first_unfit(const T* values, std::size_t n) {
    constexpr std::size_t stride = 256;
    for (std::size_t from = 0; from < n; from += stride) {
        const std::size_t end = n - from < stride ? n : from + stride;
        bool fit = true;
        for (std::size_t i = from; i < end; ++i) fit &= is_fit(values[i]);
        if (fit) continue;
        for (std::size_t i = from; i < end; ++i) {
            if (!is_fit(values[i])) return i;
        }
    }
    return n;
}

template <class T>
void sample(const Kernel& kernel, const Columns<T>& columns, Stream stream, std::size_t n, T* out,
            int threads) {
    split(n, part_count(n, threads), [&](std::size_t, std::size_t begin, std::size_t end) {
        const FloatingPoint scope;
        kernel.draw(columns, stream, begin, end, out + begin);
    });
}

void philox4x32(const std::uint32_t* counter, std::uint64_t key, std::uint32_t* out) {
    using V = Scalar<float>;
    Counter<V> counters[1] = {{counter[0], counter[1], counter[2], counter[3]}};
    Words<V> w;
    philox<V>(counters, Schedule(key), &w);
    out[0] = w.w0;
    out[1] = w.w1;
    out[2] = w.w2;
    out[3] = w.w3;
}

template std::size_t first_unfit(const float*, std::size_t);
template std::size_t first_unfit(const double*, std::size_t);
template void sample(const Kernel&, const Columns<float>&, Stream, std::size_t, float*, int);
template void sample(const Kernel&, const Columns<double>&, Stream, std::size_t, double*, int);

}  // namespace betadist
