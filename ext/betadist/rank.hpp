// The order of scores, best first.
#pragma once

#include <cstddef>
#include <cstdint>

namespace betadist {

// Writes the positions of the k <= n largest values, each >= 0 and n < 2^32; equal ones by lane,
// then by position. Takes room for about 2 n entries of 8 or 16 bytes. Returns how many it wrote:
// fewer than k only where values are NaN or negative.
template <class T>
std::size_t rank(const T* values, const std::uint64_t* lanes, std::size_t n, std::size_t k,
                 std::int64_t* order);

}  // namespace betadist
