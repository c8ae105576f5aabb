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

// Bytes of `write_mget`.
std::size_t mget_size(const Column& column, std::string_view prefix, std::size_t most);

// Writes commands MGET of the keys prefix + id, each but the last of `most` keys.
void write_mget(const Column& column, std::string_view prefix, std::size_t most, char* out);

// The hash slot, in [0, 16384), of the key prefix + id, for every id.
void key_slots(const Column& column, std::string_view prefix, std::uint16_t* out);

}  // namespace idcolumn
