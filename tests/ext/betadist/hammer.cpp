// Many threads call the sampler at once, with every kernel, each with threads of the pool's, and
// compare what they get with what one thread alone gets. For the sanitizers: `make test-sanitize`.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "pool.hpp"
#include "sampler.hpp"

namespace {

using namespace betadist;

template <class T>
struct Drawn {
    std::vector<T> all, values, values_of_some;
    std::vector<std::int64_t> best, best_of_some;

    bool operator==(const Drawn&) const = default;
};

template <class T>
Drawn<T> draw(const Kernel& kernel, std::size_t n, std::size_t k, int threads) {
    std::vector<T> alpha(n), beta(n);
    std::vector<std::uint64_t> lanes(n), tags(n);
    std::vector<std::int64_t> without;
    for (std::size_t i = 0; i < n; ++i) {
        alpha[i] = static_cast<T>(i % 37 + 1) / 4;
        beta[i] = static_cast<T>(i % 101 + 1) / 4;
        lanes[i] = i * 0x9E3779B97F4A7C15;
        tags[i] = i / 3000 % 2 == 0 ? 1 : lanes[i] >> 60;  // whole blocks, and some of others
        if (i % 7 == 0) without.push_back(static_cast<std::int64_t>(i));
    }
    const Columns<T> columns{alpha.data(), beta.data(), lanes.data()};
    const Stream stream{n, MAX_ATTEMPTS};
    Drawn<T> drawn;
    const auto top_k = [&](const Filter& filter, auto& best, auto& values) {
        best.resize(k);
        values.resize(k);
        return sample_top_k(kernel, columns, filter, stream, n, k, best.data(), values.data(),
                            threads)
            .has_value();
    };
    const Filter filter{tags.data(), {5, 8}, without.data(), without.size()};
    drawn.all.resize(n);
    const bool good = sample(kernel, columns, stream, n, drawn.all.data(), threads) &&
                      top_k({}, drawn.best, drawn.values) &&
                      top_k(filter, drawn.best_of_some, drawn.values_of_some);
    if (good) return drawn;
    std::printf("%s, n = %zu: fit shapes are refused\n", kernel.level, n);
    std::exit(1);
}

template <class T>
void compare(const Kernel& kernel, std::size_t n, std::size_t k) {
    const auto alone = draw<T>(kernel, n, k, 1);
    for (int threads = 2; threads < 8; ++threads) {
        if (draw<T>(kernel, n, k, threads) == alone) continue;
        std::printf("%s, n = %zu, k = %zu: %d threads differ\n", kernel.level, n, k, threads);
        std::exit(1);
    }
}

void call(std::size_t caller) {
    const std::size_t sizes[] = {400, 32768, 50001, 90000};
    for (int number = 0; kernel(number) != nullptr; ++number) {
        for (const std::size_t n : sizes) {
            compare<float>(*kernel(number), n + caller, 100);
            compare<double>(*kernel(number), n + caller, n / 20);
        }
    }
}

}  // namespace

int main() {
    Pool::shared().set_limit(6);
    std::vector<std::thread> callers;
    for (std::size_t caller = 0; caller < 4; ++caller) callers.emplace_back(call, caller);
    for (auto& caller : callers) caller.join();
    std::printf("4 callers drew what one does\n");
}
