// What decides between equal draws.
#pragma once

#include <cstddef>
#include <cstdint>

namespace betadist {

// Equal draws go by lane, then by position. The lane is read once: another thread may write to the
// caller's, and an order that changes under a sort makes it leave its array.
struct Place {
    std::uint64_t lane;
    std::size_t position;

    Place() = default;
    Place(std::uint64_t lane, std::size_t at) : lane(lane), position(at) {}
    Place(const std::uint64_t* lanes, std::size_t at)
        : lane(lanes ? lanes[at] : at), position(at) {}

    bool operator<(const Place& other) const {
        return lane != other.lane ? lane < other.lane : position < other.position;
    }
};

}  // namespace betadist
