// Work over a range, in chunks that threads of the pool share.
#pragma once

#include <algorithm>
#include <cstddef>

#include "pool.hpp"

namespace betadist {

// A sleeping thread draws 15 to 25 us after it is called, and to call it takes 8 of them: two
// threads break even at about 32 us of work. At 2.5 ns a draw, twice this many take 80.
inline constexpr std::size_t least_part = 16384;

// About 10 us: threads finish within that of each other, and to take a chunk (30 ns) doesn't count.
inline constexpr std::size_t chunk_size = 4096;

inline std::size_t part_count(std::size_t n, int threads) {
    const std::size_t wanted = std::min(n / least_part, static_cast<std::size_t>(threads));
    if (wanted <= 1) return 1;
    return std::min(wanted, static_cast<std::size_t>(Pool::shared().limit()));
}

// Calls work(part, begin, end) for chunks of [0, n), in at most `parts` parts: calls for one part
// don't overlap. `work` must not throw.
template <class Work>
void split(std::size_t n, std::size_t parts, const Work& work) {
    if (parts <= 1) return work(0, 0, n);
    struct Range {
        const Work& work;
        std::size_t n;
    };
    const Range range{work, n};
    const auto run = [](const void* context, std::size_t part, std::size_t chunk) noexcept {
        const auto& [work, n] = *static_cast<const Range*>(context);
        work(part, chunk * chunk_size, std::min(n, (chunk + 1) * chunk_size));
    };
    Pool::shared().run({run, &range, (n + chunk_size - 1) / chunk_size}, parts);
}

}  // namespace betadist
