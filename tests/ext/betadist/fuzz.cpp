// Draws from shapes of any bits, with every kernel and type: each call is refused by the check or
// gives draws in [0, 1]; the k largest are those of a sort. Usage: fuzz [calls] [seed]
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>

#include "sampler.hpp"
#include "selection.hpp"

namespace {

using namespace betadist;

// Over a block of lanes, and over the room that the k largest take where k is small.
constexpr std::size_t most = 1500, usual = 24;

// Philox by counting: fast enough, and any call can be repeated by its number.
class Random {
   public:
    Random(std::uint64_t seed, std::uint64_t call) : seed_(seed), call_(call) {}

    std::uint64_t bits() {
        if (used_ == 2) fill();
        const std::uint64_t low = words_[2 * used_], high = words_[2 * used_ + 1];
        ++used_;
        return high << 32 | low;
    }

    std::uint64_t below(std::uint64_t n) { return bits() % n; }

   private:
    void fill() {
        const std::uint32_t counter[4] = {static_cast<std::uint32_t>(call_),
                                          static_cast<std::uint32_t>(call_ >> 32), blocks_++, 0};
        philox4x32(counter, seed_, words_);
        used_ = 0;
    }

    std::uint64_t seed_, call_;
    std::uint32_t blocks_ = 0, words_[4];
    int used_ = 2;
};

template <class T>
T around(T x, Random& random) {
    using Bits = BitsOf<T>;
    return std::bit_cast<T>(std::bit_cast<Bits>(x) + static_cast<Bits>(random.below(5)) - 2);
}

template <class T>
T edge(Random& random) {
    using Limits = std::numeric_limits<T>;
    const T edges[] = {Limits::denorm_min(), Limits::min(), Limits::max(), Limits::epsilon(), 0,
                       T(-0.0), Limits::infinity(), Limits::quiet_NaN(), T(0.5), 1, 2,
                       T(1.0) / 3, T(1e6), T(1e9), T(1e-9), T(1e18)};
    return around(edges[random.below(std::size(edges))], random);
}

// A power of two, or one of its neighbours, of any exponent and mostly positive.
template <class T>
T power(Random& random) {
    using Bits = BitsOf<T>;
    constexpr int mantissa = std::numeric_limits<T>::digits - 1;
    const Bits exponent = static_cast<Bits>(random.bits()) >> mantissa << mantissa;
    const bool negative = random.below(64) == 0;
    const T x = around(std::bit_cast<T>(exponent), random);
    return (x < 0) == negative ? x : -x;
}

// A number as a bandit has it.
template <class T>
T count(Random& random) {
    return T(1) + static_cast<T>(random.below(100000)) / static_cast<T>(1 + random.below(3));
}

template <class T>
T shape(Random& random, std::uint64_t kind) {
    using Bits = BitsOf<T>;
    if (kind == 4) kind = random.below(4);
    if (kind == 0) return count<T>(random);
    if (kind == 1) return edge<T>(random);
    if (kind == 2) return power<T>(random);
    const Bits bits = static_cast<Bits>(random.bits());
    return std::bit_cast<T>(random.below(64) == 0 ? bits : bits << 1 >> 1);
}

template <class T>
struct Call {
    std::size_t n, k;
    T alpha[most], beta[most], out[most], best[most];
    std::uint64_t lanes[most];
    std::int64_t indices[most];
    Stream stream;
    bool named;

    explicit Call(Random& random)
        : n(random.below(1 + (random.below(256) == 0 ? most : usual))), k(random.below(n + 1)) {
        const std::uint64_t kind = random.below(5);
        // Most of the bits make a column that is refused: short columns are often fit.
        if (kind != 0 && random.below(4) != 0) n = std::min<std::size_t>(n, 3), k = std::min(k, n);
        for (std::size_t i = 0; i < n; ++i) {
            alpha[i] = shape<T>(random, kind);
            beta[i] = shape<T>(random, kind);
            lanes[i] = random.below(4) == 0 ? random.below(2) - 1 : random.bits();
        }
        stream = {random.below(8) == 0 ? random.below(2) - 1 : random.bits(), MAX_ATTEMPTS};
        named = random.below(4) != 0;
    }

    // Where the first shape is that can't be drawn from, as the kernel must say.
    std::size_t unfit(const Kernel& kernel, const T* values, bool& good) const {
        const auto is_fit = [](T x) { return x > 0 && x <= std::numeric_limits<T>::max(); };
        const auto at = std::find_if_not(values, values + n, is_fit) - values;
        good &= first_unfit(kernel, values, n) == static_cast<std::size_t>(at);
        return static_cast<std::size_t>(at);
    }

    // Draws, or is refused where it must be; sets `drawn` to which.
    bool run(const Kernel& kernel, bool& drawn) {
        bool good = true;
        const bool fit = unfit(kernel, alpha, good) == n && unfit(kernel, beta, good) == n;
        const Columns<T> columns{alpha, beta, named ? lanes : nullptr};
        drawn = sample(kernel, columns, stream, n, out, 1);
        good &= drawn == fit;
        if (k > 0) good &= best_of(kernel, columns, {}).has_value() == fit;
        if (!good || !drawn) return good;
        if (!std::all_of(out, out + n, [](T x) { return x >= 0 && x <= 1; })) return false;
        return ordered([](std::size_t) { return true; }, k) && filtered(kernel, columns);
    }

    std::optional<std::size_t> best_of(const Kernel& kernel, const Columns<T>& columns,
                                       const Filter& filter) {
        return sample_top_k(kernel, columns, filter, stream, n, k, indices, best, 1);
    }

    // The lanes' bits serve as tags; every fifth position stays out.
    bool filtered(const Kernel& kernel, const Columns<T>& columns) {
        std::int64_t without[most / 5 + 1];
        std::size_t count = 0;
        for (std::size_t i = 0; i < n; i += 5) without[count++] = static_cast<std::int64_t>(i);
        const Filter filter{lanes, {stream.key & 3, stream.key >> 2 & 1}, without, count};
        const auto found = k == 0 ? 0 : best_of(kernel, columns, filter);
        const auto passes = [&](std::size_t i) {
            const bool wanted = filter.asked.wanted == 0 || (lanes[i] & filter.asked.wanted) != 0;
            return i % 5 != 0 && wanted && (lanes[i] & filter.asked.unwanted) == 0;
        };
        return found.has_value() && ordered(passes, *found);
    }

    // Whether the `found` best of those that pass are the first ones of a sort.
    template <class Passes>
    bool ordered(const Passes& passes, std::size_t found) const {
        std::size_t order[most], count = 0;
        for (std::size_t i = 0; i < n; ++i) {
            if (passes(i)) order[count++] = i;
        }
        if (found != std::min(k, count)) return false;
        std::sort(order, order + count, [&](std::size_t a, std::size_t b) {
            if (out[a] != out[b]) return out[a] > out[b];
            if (named && lanes[a] != lanes[b]) return lanes[a] < lanes[b];
            return a < b;
        });
        for (std::size_t i = 0; i < found; ++i) {
            if (indices[i] != static_cast<std::int64_t>(order[i])) return false;
            if (best[i] != out[order[i]]) return false;
        }
        return true;
    }
};

// Returns whether anything was drawn.
template <class T>
bool run(const Kernel& kernel, std::uint64_t seed, std::uint64_t number) {
    Random random(seed, number);
    Call<T> call(random);
    bool drawn = false;
    if (call.run(kernel, drawn)) return drawn;
    std::printf("call %llu of seed %llu, float%zu, kernel %s:", (unsigned long long)number,
                (unsigned long long)seed, 8 * sizeof(T), kernel.level);
    for (std::size_t i = 0; i < call.n; ++i) {
        std::printf("\n  (%a, %a) -> %a", double(call.alpha[i]), double(call.beta[i]),
                    double(call.out[i]));
    }
    std::printf("\n");
    std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    const double wanted = argc > 1 ? std::strtod(argv[1], nullptr) : 1e6;
    if (!(wanted >= 1 && wanted <= 1e18)) {
        std::fprintf(stderr, "calls is %s, must be in [1, 1e18]\n", argv[1]);
        return 2;
    }
    const auto calls = static_cast<std::uint64_t>(wanted);
    const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    int kernels = 0;
    while (kernel(kernels) != nullptr) ++kernels;
    for (int level = 0; level < kernels; ++level) {
        std::uint64_t drawn = 0;
        for (std::uint64_t number = level; number < calls; number += kernels) {
            drawn += number / kernels % 2 == 0 ? run<float>(*kernel(level), seed, number)
                                               : run<double>(*kernel(level), seed, number);
        }
        std::printf("%s: %llu calls, %llu drawn, the others refused\n", kernel(level)->level,
                    (unsigned long long)((calls + kernels - 1 - level) / kernels),
                    (unsigned long long)drawn);
        std::fflush(stdout);
    }
}
