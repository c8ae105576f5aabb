// The head of an answer, piece by piece.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plainhttp {

// Whether a text has no line break.
bool is_in_line(std::string_view text);

void append(std::string_view text, std::string& out);

void append_number(std::size_t number, std::string& out);

// Appends seconds, at least 0, as milliseconds with three decimals.
void append_milliseconds(double seconds, std::string& out);

}  // namespace plainhttp
