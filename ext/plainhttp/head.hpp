// The head of a request as nearly all clients of predictions send it.
#pragma once

#include <cstddef>
#include <string_view>

namespace plainhttp {

struct Field {
    std::string_view name;
    std::string_view value;
};

constexpr std::size_t kMostFields = 64;

struct Head {
    std::string_view target;
    Field fields[kMostFields];  // but for those that say how to read on
    std::size_t count = 0;
    std::size_t size = 0;  // of the head, its empty line included
    std::size_t body = 0;  // bytes announced
};

// Reads the head that a text begins with. False for what is wrong, incomplete or merely unusual:
// whatever could be read in two ways is among that. What is read is HTTP/1.1 by POST (RFC 9112)
// with one Host, one Content-Length and nothing that asks for more than an answer.
bool read_head(std::string_view text, Head& head);

// Whether a field's name is this one, which is in lower case.
bool is_named(std::string_view name, std::string_view lower);

}  // namespace plainhttp
