// Writes a column as a JSON array of strings.
#pragma once

#include <cstddef>
#include <cstdint>

#include "column.hpp"

namespace idcolumn {

// Both are of columns that were looked at.

// Bytes of the array of the ids that `order` names, `count` of them; of all in their order where
// `order` is null.
std::size_t json_size(const Column& column, const std::int64_t* order, std::size_t count);

// Writes that array: nothing between its parts, and only what must be is escaped, in the short form
// where there is one. Returns the end.
char* write_json(const Column& column, const std::int64_t* order, std::size_t count, char* out);

}  // namespace idcolumn
