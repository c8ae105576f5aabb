// Writes a column as keys of Redis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "column.hpp"

namespace idcolumn {

// Bytes of `write_resp`.
std::size_t resp_size(const Column& column, std::string_view head, std::string_view prefix);

// Writes `head` and then prefix + id as a bulk string of RESP, for every id.
void write_resp(const Column& column, std::string_view head, std::string_view prefix, char* out);

// The hash slot, in [0, 16384), of the key prefix + id, for every id.
void key_slots(const Column& column, std::string_view prefix, std::uint16_t* out);

}  // namespace idcolumn
