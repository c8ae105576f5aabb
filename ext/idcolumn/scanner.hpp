// Reads JSON text from its start, and remembers where it is.
#pragma once

#include <cstddef>
#include <string_view>

#include "text.hpp"

namespace idcolumn {

// Every function returns whether what it is named after stands next, blanks not counted, and goes
// behind it; after a false one the scanner is of no more use.
class Scanner {
public:
    explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    const char* at() const { return at_; }

    bool symbol(char wanted) {
        skip_blank();
        if (at_ == end_ || *at_ != wanted) return false;
        ++at_;
        return true;
    }

    // A string without escapes.
    bool plain_string(std::string_view& text) {
        if (!symbol('"')) return false;
        const char* const begin = at_;
        at_ = plain_end(at_, end_);
        text = {begin, static_cast<std::size_t>(at_ - begin)};
        return at_ != end_ && *at_++ == '"';
    }

    bool plain_string_of(std::string_view wanted) {
        std::string_view text;
        return plain_string(text) && text == wanted;
    }

    // An integer in [1, 10^12).
    bool count(std::size_t& number) {
        skip_blank();
        const char* const begin = at_;
        number = 0;
        while (at_ != end_ && *at_ >= '0' && *at_ <= '9' && at_ - begin < 12)
            number = 10 * number + static_cast<std::size_t>(*at_++ - '0');
        return at_ != begin && *begin != '0';
    }

    // An object with fields, none with an escape in its key; `field(key)` reads a value.
    template <class Field>
    bool object(const Field& field) {
        if (!symbol('{')) return false;
        do {
            std::string_view key;
            if (!plain_string(key) || !symbol(':') || !field(key)) return false;
        } while (symbol(','));
        return symbol('}');
    }

    // An array with elements; `element()` reads one.
    template <class Element>
    bool array(const Element& element) {
        if (!symbol('[')) return false;
        do {
            if (!element()) return false;
        } while (symbol(','));
        return symbol(']');
    }

    // Anything, which is only walked over, in such a way that JSON is read right.
    bool skip_value() {
        skip_blank();
        if (at_ == end_) return false;
        if (*at_ == '"') return skip_string();
        if (*at_ == '{' || *at_ == '[') return skip_nested();
        while (at_ != end_ && *at_ != ',' && *at_ != '}' && *at_ > ' ') ++at_;
        return true;
    }

private:
    void skip_blank() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    }

    bool skip_string() {
        while (++at_ != end_ && *at_ != '"') {
            if (*at_ == '\\' && ++at_ == end_) return false;
        }
        if (at_ == end_) return false;
        ++at_;
        return true;
    }

    bool skip_nested() {
        std::size_t depth = 0;
        do {
            if (at_ == end_) return false;
            if (*at_ == '"') {
                if (!skip_string()) return false;
                continue;
            }
            depth += *at_ == '{' || *at_ == '[';
            depth -= *at_ == '}' || *at_ == ']';
            ++at_;
        } while (depth != 0);
        return true;
    }

    const char* at_;
    const char* const end_;
};

}  // namespace idcolumn
