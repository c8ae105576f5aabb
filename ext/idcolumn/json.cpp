#include "json.hpp"

#include <cstring>
#include <string_view>

namespace idcolumn {
namespace {

constexpr std::string_view kShort = "\"\\\b\t\n\f\r";
constexpr std::string_view kLetters = "\"\\btnfr";
constexpr std::string_view kHex = "0123456789abcdef";

bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

std::size_t escaped_size(char c) {
    if (is_plain(c)) return 1;
    return kShort.find(c) != std::string_view::npos ? 2 : 6;
}

std::size_t escaped_size(std::string_view id) {
    std::size_t size = 0;
    for (const char c : id) size += escaped_size(c);
    return size;
}

char* write_plain(char* out, std::string_view id) {
    if (id.size() >= 8 && id.size() <= 16) {  // as most are; memcpy of any size is a call
        std::memcpy(out, id.data(), 8);
        std::memcpy(out + id.size() - 8, id.data() + id.size() - 8, 8);
        return out + id.size();
    }
    std::memcpy(out, id.data(), id.size());
    return out + id.size();
}

char* write_escape(char* out, char c) {
    *out++ = '\\';
    if (const std::size_t known = kShort.find(c); known != std::string_view::npos) {
        *out++ = kLetters[known];
        return out;
    }
    const char digits[] = {'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    return write_plain(out, {digits, sizeof digits});
}

char* write_escaped(char* out, std::string_view id) {
    for (const char c : id) {
        if (is_plain(c))
            *out++ = c;
        else
            out = write_escape(out, c);
    }
    return out;
}

}  // namespace

std::size_t json_size(const Column& column, const std::int64_t* order, std::size_t count) {
    if (count == 0) return 2;
    std::size_t size = 1 + 3 * count;
    if (column.plain && order == nullptr) return size + total_length(column);
    if (column.plain) {
        for (std::size_t i = 0; i < count; ++i) size += column.lengths[order[i]];
    } else {
        for (std::size_t i = 0; i < count; ++i) size += escaped_size(column.nth(order, i));
    }
    return size;
}

char* write_json(const Column& column, const std::int64_t* order, std::size_t count, char* out) {
    *out++ = '[';
    for (std::size_t i = 0; i < count; ++i) {
        if (i != 0) *out++ = ',';
        *out++ = '"';
        const std::string_view id = column.nth(order, i);
        out = column.plain ? write_plain(out, id) : write_escaped(out, id);
        *out++ = '"';
    }
    *out++ = ']';
    return out;
}

}  // namespace idcolumn
