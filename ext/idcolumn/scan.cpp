#include "scan.hpp"

#include "scanner.hpp"

namespace idcolumn {
namespace {

constexpr std::size_t kTypical = 16;  // bytes of an id with what lies between it and the next

bool strings(Scanner& in, Found& found) {
    if (!in.symbol('[')) return false;
    found.begin = in.at() - 1;
    if (!in.symbol(']')) {
        do {
            std::string_view id;
            if (!in.plain_string(id) || id.size() > kMaxLength) return false;
            found.ids.push_back(id);
        } while (in.symbol(','));
        if (!in.symbol(']')) return false;
    }
    found.end = in.at();
    return true;
}

}  // namespace

bool find_strings(std::string_view body, std::string_view field, Found& found) {
    found.ids.reserve(body.size() / kTypical);
    Scanner in(body);
    const auto read = [&](std::string_view key) {
        if (key != field) return in.skip_value();
        return found.begin == nullptr && strings(in, found);
    };
    return in.object(read) && found.begin != nullptr;
}

}  // namespace idcolumn
