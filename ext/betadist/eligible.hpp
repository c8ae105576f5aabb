// Which arms take part in a selection: filters are applied to a block before any of it is drawn.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace betadist {

struct Filter {
    const std::uint64_t* tags = nullptr;      // of each arm, a bit each; read where a tag is asked
    std::uint64_t include_tags = 0;           // at least one of these tags, where there are any
    std::uint64_t exclude_tags = 0;           // none of these
    const std::int64_t* without = nullptr;    // positions that stay out, ascending
    std::size_t without_count = 0;

    bool asks_tags() const { return (include_tags | exclude_tags) != 0; }
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

// The arms that take part, of one block after the other of a range.
class Eligible {
   public:
    static constexpr std::size_t most = 1024;  // in a block

    Eligible(const Filter& filter, std::size_t begin)
        : filter_(filter),
          next_(std::lower_bound(filter.without, end(), static_cast<std::int64_t>(begin))) {}

    // Looks at `count` arms from `from` on, which follow those of the last call.
    void see(std::size_t from, std::size_t count) {
        every_ = !filter_.asks_tags();
        if (!every_) pass_tagged(filter_.tags + from, count);
        leave_out(static_cast<std::int64_t>(from), static_cast<std::int64_t>(from + count), count);
        if (!every_) list(count);
    }

    // Whether all of the block take part; else they are listed.
    bool every() const { return every_; }
    std::size_t count() const { return count_; }
    std::size_t operator[](std::size_t i) const { return listed_[i]; }

   private:
    const std::int64_t* end() const { return filter_.without + filter_.without_count; }

    void pass_tagged(const std::uint64_t* tags, std::size_t count) {
        const std::uint64_t include = filter_.include_tags, exclude = filter_.exclude_tags;
        const std::uint64_t any = include == 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t wanted = (tags[i] & include) | any;
            passes_[i] = (wanted != 0) & ((tags[i] & exclude) == 0);
        }
    }

    void leave_out(std::int64_t from, std::int64_t to, std::size_t count) {
        if (next_ == end() || *next_ >= to) return;
        if (every_) std::memset(passes_, 1, count);
        every_ = false;
        for (; next_ != end(); ++next_) {
            const std::int64_t at = *next_;  // once: another thread may write to the caller's
            if (at < from || at >= to) return;
            passes_[at - from] = 0;
        }
    }

    // Eight at a time, since of few that pass most eights hold none.
    void list(std::size_t count) {
        std::memset(passes_ + count, 0, sizeof passes_ - count);
        count_ = 0;
        for (std::size_t i = 0; i < count; i += 8) {
            std::uint64_t eight;
            std::memcpy(&eight, passes_ + i, sizeof eight);
            if (eight == 0) continue;
            for (std::size_t j = i; j < i + 8; ++j) {
                listed_[count_] = static_cast<std::uint32_t>(j);
                count_ += passes_[j];
            }
        }
        every_ = count_ == count;
    }

    Filter filter_;
    const std::int64_t* next_;
    bool every_ = true;
    std::size_t count_ = 0;
    std::uint8_t passes_[most];
    std::uint32_t listed_[most + 1];
};

}  // namespace betadist
