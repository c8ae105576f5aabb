#pragma once

#include <cstdint>

namespace betadist {

// What is drawn from. Without `lanes`, element i has the lane i.
template <class T>
struct Columns {
    const T* alpha;
    const T* beta;
    const std::uint64_t* lanes;
};

struct Stream {
    std::uint64_t key;
    int max_attempts;
};

}  // namespace betadist
