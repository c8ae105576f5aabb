#include "resp.hpp"

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
    std::size_t count = 1;
    for (; number >= 10; number /= 10) ++count;
    return count;
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
    std::size_t size = 0;
    for (std::size_t i = 0; i < column.count; ++i) {
        const std::size_t key = prefix.size() + column.lengths[i];
        size += head.size() + 1 + digits(key) + key + 2 * kLineEnd.size();
    }
    return size;
}

void write_resp(const Column& column, std::string_view head, std::string_view prefix, char* out) {
    for (std::size_t i = 0; i < column.count; ++i) {
        const std::string_view id = column[i];
        out = append(out, head);
        *out++ = '$';
        out = std::to_chars(out, out + kMostDigits, prefix.size() + id.size()).ptr;
        out = append(out, kLineEnd);
        out = append(append(append(out, prefix), id), kLineEnd);
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
