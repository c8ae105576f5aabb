#include "scan.hpp"

#include "text.hpp"

namespace idcolumn {
namespace {

constexpr std::size_t kTypical = 16;  // bytes of an id with what lies between it and the next

class Scanner {
public:
    explicit Scanner(std::string_view body) : at_(body.data()), end_(body.data() + body.size()) {}

    bool object(std::string_view field, Found& found) {
        if (!symbol('{')) return false;
        do {
            std::string_view key;
            if (!plain_string(key) || !symbol(':')) return false;
            if (key != field) {
                if (!skip_value()) return false;
            } else if (found.begin != nullptr || !strings(found)) {
                return false;
            }
        } while (symbol(','));
        return found.begin != nullptr && symbol('}');
    }

private:
    void skip_blank() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    }

    bool symbol(char wanted) {
        skip_blank();
        if (at_ == end_ || *at_ != wanted) return false;
        ++at_;
        return true;
    }

    bool plain_string(std::string_view& text) {
        if (!symbol('"')) return false;
        const char* const begin = at_;
        at_ = plain_end(at_, end_);
        text = {begin, static_cast<std::size_t>(at_ - begin)};
        return at_ != end_ && *at_++ == '"';
    }

    bool strings(Found& found) {
        if (!symbol('[')) return false;
        found.begin = at_ - 1;
        if (!symbol(']')) {
            do {
                std::string_view id;
                if (!plain_string(id) || id.size() > kMaxLength) return false;
                found.ids.push_back(id);
            } while (symbol(','));
            if (!symbol(']')) return false;
        }
        found.end = at_;
        return true;
    }

    bool skip_value() {
        skip_blank();
        if (at_ == end_) return false;
        if (*at_ == '"') return skip_string();
        if (*at_ == '{' || *at_ == '[') return skip_nested();
        while (at_ != end_ && *at_ != ',' && *at_ != '}' && *at_ > ' ') ++at_;
        return true;
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

}  // namespace

bool find_strings(std::string_view body, std::string_view field, Found& found) {
    found.ids.reserve(body.size() / kTypical);
    return Scanner(body).object(field, found);
}

}  // namespace idcolumn
