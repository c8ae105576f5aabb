#include "sampler.hpp"

#include <atomic>

#include "environment.hpp"
#include "fit.hpp"
#include "philox.hpp"
#include "split.hpp"

namespace betadist {

template <class T>
std::size_t first_unfit(const Kernel& kernel, const T* values, std::size_t n) {
    if (kernel.are_fit(values, n)) return n;
    std::size_t i = 0;
    while (i < n && is_fit(values[i])) ++i;
    return i;
}

template <class T>
bool sample(const Kernel& kernel, const Columns<T>& columns, Stream stream, std::size_t n, T* out,
            int threads) {
    std::atomic<bool> drawn = true;
    split(n, part_count(n, threads), [&](std::size_t, std::size_t begin, std::size_t end) {
        const FloatingPoint scope;
        if (!kernel.draw(columns, stream, begin, end, out + begin)) drawn = false;
    });
    return drawn;
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

template std::size_t first_unfit(const Kernel&, const float*, std::size_t);
template std::size_t first_unfit(const Kernel&, const double*, std::size_t);
template bool sample(const Kernel&, const Columns<float>&, Stream, std::size_t, float*, int);
template bool sample(const Kernel&, const Columns<double>&, Stream, std::size_t, double*, int);

}  // namespace betadist
