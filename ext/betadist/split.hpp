// Work over a range, in equal parts on threads of their own.
#pragma once

#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace betadist {

// A thread costs about 20 us to start: as much as this many draws.
inline constexpr std::size_t least_part = 8192;

inline std::size_t part_count(std::size_t n, int threads) {
    const std::size_t most = n / least_part;
    const std::size_t wanted = static_cast<std::size_t>(threads);
    return most < 1 ? 1 : (most < wanted ? most : wanted);
}

// Calls work(part, begin, end) for each of `parts` parts of [0, n). `work` must not throw.
template <class Work>
void split(std::size_t n, std::size_t parts, const Work& work) {
    const auto run = [&](std::size_t part) {
        const std::size_t size = n / parts, longer = n % parts;
        const auto begin = [&](std::size_t p) { return p * size + (p < longer ? p : longer); };
        work(part, begin(part), begin(part + 1));
    };
    std::vector<std::thread> others;
    others.reserve(parts - 1);
    std::size_t part = 1;
    try {
        for (; part < parts; ++part) others.emplace_back(run, part);
    } catch (const std::system_error&) {
        // No more threads to be had: the rest is done here.
    }
    for (; part < parts; ++part) run(part);
    run(0);
    for (auto& other : others) other.join();
}

}  // namespace betadist
