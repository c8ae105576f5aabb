// What may stand in a JSON string as it is, and what is UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace idcolumn {

// The first byte in [at, end) that isn't well-formed UTF-8 (RFC 3629), or end.
const char* utf8_end(const char* at, const char* end);

// The first byte in [at, end) that a JSON string can't hold as it is: a quotation mark, a
// backslash, a control character or ill-formed UTF-8; or end.
const char* plain_end(const char* at, const char* end);

inline bool is_utf8(std::string_view text) {
    const char* const end = text.data() + text.size();
    return utf8_end(text.data(), end) == end;
}

inline bool is_plain(std::string_view text) {
    const char* const end = text.data() + text.size();
    return plain_end(text.data(), end) == end;
}

}  // namespace idcolumn
