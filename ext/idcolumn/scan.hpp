// Finds an array of plain strings in a JSON object.
#pragma once

#include <string_view>

#include "column.hpp"

namespace idcolumn {

struct Found {
    Ids ids;
    const char* begin = nullptr;  // of the array's text, brackets included
    const char* end = nullptr;
};

// Whether `body` is an object with no escape in its keys that has `field` once, as an array of
// strings without escapes. What lies around the array is only walked over, in such a way that where
// it is JSON the walk reads it right: `body` is JSON if and only if it is with the array's text
// replaced by "[]".
bool find_strings(std::string_view body, std::string_view field, Found& found);

}  // namespace idcolumn
