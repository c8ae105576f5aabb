// The arms that take part, of one block after the other: found before any of them is drawn.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "filter.hpp"
#include "kernels.hpp"

namespace betadist {

class Eligible {
   public:
    static constexpr std::size_t most = 1024;  // in a block
    static constexpr std::size_t group = 8;

    // Of a range that begins there.
    Eligible(const Kernel& kernel, const Filter& filter, std::size_t begin)
        : kernel_(kernel),
          filter_(filter),
          next_(std::lower_bound(filter.without, end(), static_cast<std::int64_t>(begin))) {}

    // Looks at `count` arms from `from` on, which follow those of the last call; returns whether
    // all of them take part.
    bool see(std::size_t from, std::size_t count) {
        const auto to = static_cast<std::int64_t>(from + count);
        const bool some_stay_out = next_ != end() && *next_ < to;
        if (filter_.asked.passes_all() && !some_stay_out) return true;
        pass_tagged(from, count);
        for (; next_ != end(); ++next_) {
            const std::int64_t at = *next_;  // once: another thread may write to the caller's
            if (at < static_cast<std::int64_t>(from) || at >= to) break;
            passes_[static_cast<std::size_t>(at) - from] = 0;
        }
        return std::memchr(passes_, 0, count) == nullptr;
    }

    // Asks for the tags of the block after this one, which takes longer to draw from.
    void fetch(std::size_t from) const {
        if (filter_.asked.passes_all()) return;
        const auto tags = reinterpret_cast<std::uintptr_t>(filter_.tags + from);
        for (std::size_t i = 0; i < most * sizeof(*filter_.tags); i += 64) {
            __builtin_prefetch(reinterpret_cast<const void*>(tags + i));
        }
    }

    bool passes(std::size_t i) const { return passes_[i]; }
    bool none_pass(std::size_t i) const { return word(i) == 0; }
    bool all_pass(std::size_t i) const { return word(i) == 0x0101010101010101; }

   private:
    const std::int64_t* end() const { return filter_.without + filter_.without_count; }

    void pass_tagged(std::size_t from, std::size_t count) {
        if (filter_.asked.passes_all()) {
            std::memset(passes_, 1, count);
        } else {
            kernel_.pass_tagged(filter_.tags + from, filter_.asked, count, passes_);
        }
    }

    // Of the group that begins at i.
    std::uint64_t word(std::size_t i) const {
        std::uint64_t word;
        std::memcpy(&word, passes_ + i, group);
        return word;
    }

    const Kernel& kernel_;
    const Filter& filter_;
    const std::int64_t* next_;
    std::uint8_t passes_[most];
};

}  // namespace betadist
