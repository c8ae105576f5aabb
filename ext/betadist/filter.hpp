// Which arms take part in a selection.
#pragma once

#include <cstddef>
#include <cstdint>

namespace betadist {

// A bit for each tag: those arms pass that carry one of the wanted, where there are any, and none
// of the unwanted.
struct TagFilter {
    std::uint64_t wanted = 0;
    std::uint64_t unwanted = 0;

    bool passes_all() const { return (wanted | unwanted) == 0; }
};

struct Filter {
    const std::uint64_t* tags = nullptr;  // of each arm; read where some are asked for
    TagFilter asked;
    const std::int64_t* without = nullptr;  // positions of arms that stay out, ascending
    std::size_t without_count = 0;
};

// The first of the positions that isn't in [0, n) or not above the one before it, or `count`.
inline std::size_t first_misplaced(const std::int64_t* positions, std::size_t count,
                                   std::size_t n) {
    std::int64_t before = -1;
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t at = positions[i];
        if (at <= before || static_cast<std::uint64_t>(at) >= n) return i;
        before = at;
    }
    return count;
}

}  // namespace betadist
