#include "answer.hpp"

#include <charconv>

namespace plainhttp {
namespace {

constexpr std::size_t kMostDigits = 20;

}  // namespace

bool is_in_line(std::string_view text) {
    return text.find('\n') == text.npos && text.find('\r') == text.npos;
}

void append(std::string_view text, std::string& out) { out.append(text); }

void append_number(std::size_t number, std::string& out) {
    char digits[kMostDigits];
    out.append(digits, std::to_chars(digits, digits + kMostDigits, number).ptr);
}

void append_milliseconds(double seconds, std::string& out) {
    const auto us = static_cast<std::size_t>(seconds * 1e6 + 0.5);
    const std::size_t part = us % 1000;
    append_number(us / 1000, out);
    out += '.';
    for (const std::size_t digit : {part / 100, part / 10 % 10, part % 10}) {
        out += static_cast<char>('0' + digit);
    }
}

}  // namespace plainhttp
