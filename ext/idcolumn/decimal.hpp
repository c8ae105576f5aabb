// Numbers as JSON: the fewest digits that give the same number back when they are read.
#pragma once

#include <cstddef>
#include <cstdint>

namespace idcolumn {

// What an array of `count` numbers takes at most.
std::size_t numbers_room(std::size_t count);

// Writes the array of the values that `order` names, `count` of them; of all in their order where
// `order` is null. What is not finite becomes null. Returns the end.
template <class T>
char* write_numbers(const T* values, const std::int64_t* order, std::size_t count, char* out);

}  // namespace idcolumn
