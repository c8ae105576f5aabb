#include "resp.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>

namespace idcolumn {
namespace {

constexpr std::size_t kMostDigits = 20;
constexpr std::string_view kLineEnd = "\r\n";

char* append(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

std::size_t digits(std::size_t number) {
    if (number < 100) return number < 10 ? 1 : 2;
    std::size_t count = 1;
    for (; number >= 10; number /= 10) ++count;
    return count;
}

constexpr std::string_view kMget = "$4\r\nMGET\r\n";

char* append_number(char* out, char kind, std::size_t number) {
    *out++ = kind;
    if (number >= 10 && number < 100) {  // a usual key, and to_chars takes 3 ns
        *out++ = static_cast<char>('0' + number / 10);
        *out++ = static_cast<char>('0' + number % 10);
        return append(out, kLineEnd);
    }
    return append(std::to_chars(out, out + kMostDigits, number).ptr, kLineEnd);
}

std::size_t bulk_size(std::size_t bytes) { return 1 + digits(bytes) + bytes + 2 * kLineEnd.size(); }

char* append_bulk(char* out, std::string_view prefix, std::string_view id) {
    out = append_number(out, '$', prefix.size() + id.size());
    return append(append(append(out, prefix), id), kLineEnd);
}

// CRC-16/XMODEM, the polynomial of the Redis Cluster specification.
constexpr std::array<std::uint16_t, 256> crc_table() {
    std::array<std::uint16_t, 256> table{};
    for (unsigned first = 0; first < 256; ++first) {
        unsigned crc = first << 8;
        for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0);
        table[first] = static_cast<std::uint16_t>(crc);
    }
    return table;
}

constexpr std::array<std::uint16_t, 256> kCrc = crc_table();
constexpr std::uint16_t kSlots = 16384;

std::uint16_t crc16(std::string_view text) {
    std::uint16_t crc = 0;
    for (const char c : text)
        crc = static_cast<std::uint16_t>(crc << 8 ^ kCrc[(crc >> 8 ^ c) & 0xff]);
    return crc;
}

// What of a key decides its slot: what stands in its first braces, or all of it.
std::string_view tag(std::string_view key) {
    const std::size_t open = key.find('{');
    if (open == std::string_view::npos) return key;
    const std::size_t close = key.find('}', open + 1);
    if (close == std::string_view::npos || close == open + 1) return key;
    return key.substr(open + 1, close - open - 1);
}

}  // namespace

std::size_t resp_size(const Column& column, std::string_view head, std::string_view prefix) {
    std::size_t size = column.count * head.size();
    for (std::size_t i = 0; i < column.count; ++i) {
        size += bulk_size(prefix.size() + column.lengths[i]);
    }
    return size;
}

void write_resp(const Column& column, std::string_view head, std::string_view prefix, char* out) {
    for (std::size_t i = 0; i < column.count; ++i) {
        out = append_bulk(append(out, head), prefix, column[i]);
    }
}

std::size_t mget_size(const Column& column, std::string_view prefix, std::size_t most) {
    const std::size_t full = column.count / most, left = column.count % most;
    const std::size_t start = 1 + kLineEnd.size() + kMget.size();
    const std::size_t last = left == 0 ? 0 : start + digits(left + 1);
    return full * (start + digits(most + 1)) + last + resp_size(column, {}, prefix);
}

void write_mget(const Column& column, std::string_view prefix, std::size_t most, char* out) {
    for (std::size_t i = 0; i < column.count; ++i) {
        if (i % most == 0) {
            out = append_number(out, '*', 1 + std::min(most, column.count - i));
            out = append(out, kMget);
        }
        out = append_bulk(out, prefix, column[i]);
    }
}

void key_slots(const Column& column, std::string_view prefix, std::uint16_t* out) {
    std::string key(prefix);
    for (std::size_t i = 0; i < column.count; ++i) {
        key.resize(prefix.size());
        key.append(column[i]);
        out[i] = crc16(tag(key)) % kSlots;
    }
}

}  // namespace idcolumn
