#include "head.hpp"

#include <array>
#include <cstdint>

namespace plainhttp {
namespace {

using std::string_view;

constexpr string_view kMethod = "POST ";
constexpr string_view kVersion = " HTTP/1.1\r\n";
constexpr string_view kLineEnd = "\r\n";
constexpr string_view kBlank = " \t";
constexpr std::size_t kMostDigits = 9;
constexpr std::size_t kMostBytes = 16 << 10;  // the parser's user decides on larger heads

constexpr std::uint8_t kToken = 1;    // RFC 9110, 5.6.2
constexpr std::uint8_t kVisible = 2;  // printable ASCII but the space
constexpr std::uint8_t kText = 4;     // of a field's value, where it is ASCII

constexpr std::array<std::uint8_t, 256> classes() {
    std::array<std::uint8_t, 256> found{};
    for (int c = 0x21; c < 0x7f; ++c) found[c] = kVisible | kText | kToken;
    for (const char c : string_view{"\"(),/:;<=>?@[\\]{}"}) found[c] = kVisible | kText;
    for (const char c : kBlank) found[c] = kText;
    return found;
}

constexpr std::array<std::uint8_t, 256> kClasses = classes();

// Takes what a text begins with, as far as it is of a class.
string_view take(string_view& text, std::uint8_t wanted) {
    std::size_t size = 0;
    while (size < text.size() && kClasses[static_cast<std::uint8_t>(text[size])] & wanted) ++size;
    const string_view taken = text.substr(0, size);
    text.remove_prefix(size);
    return taken;
}

bool take(string_view& text, string_view wanted) {
    if (!text.starts_with(wanted)) return false;
    text.remove_prefix(wanted.size());
    return true;
}

string_view trimmed(string_view value) {
    const std::size_t first = value.find_first_not_of(kBlank);
    if (first == string_view::npos) return {};
    return value.substr(first, value.find_last_not_of(kBlank) - first + 1);
}

bool take_field(string_view& text, Field& field) {
    field.name = take(text, kToken);
    if (field.name.empty() || !take(text, ":")) return false;
    field.value = trimmed(take(text, kText));
    return take(text, kLineEnd);
}

bool read_length(string_view digits, std::size_t& length) {
    if (digits.empty() || digits.size() > kMostDigits) return false;
    length = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return false;
        length = 10 * length + static_cast<std::size_t>(c - '0');
    }
    return true;
}

bool asks_for_more(const Field& field) {
    if (is_named(field.name, "connection")) return !is_named(field.value, "keep-alive");
    for (const string_view name : {"expect", "proxy-connection", "transfer-encoding", "upgrade"}) {
        if (is_named(field.name, name)) return true;
    }
    return false;
}

}  // namespace

bool is_named(string_view name, string_view lower) {
    if (name.size() != lower.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool upper = name[i] >= 'A' && name[i] <= 'Z';
        if ((upper ? name[i] + ('a' - 'A') : name[i]) != lower[i]) return false;
    }
    return true;
}

bool read_head(string_view text, Head& head) {
    const std::size_t all = text.size();
    if (!take(text, kMethod)) return false;
    head.target = take(text, kVisible);
    if (!head.target.starts_with('/') || !take(text, kVersion)) return false;
    bool host = false, length = false;
    while (!take(text, kLineEnd)) {
        Field& field = head.fields[head.count];
        if (!take_field(text, field)) return false;
        bool* const once = is_named(field.name, "host")             ? &host
                           : is_named(field.name, "content-length") ? &length
                                                                    : nullptr;
        if (once == nullptr) {
            if (asks_for_more(field) || ++head.count == kMostFields) return false;
            continue;
        }
        if (*once || (once == &length && !read_length(field.value, head.body))) return false;
        *once = true;
    }
    head.size = all - text.size();
    return host && length && head.size <= kMostBytes;
}

}  // namespace plainhttp
