#include "declared.hpp"

#include "scanner.hpp"

namespace idcolumn {
namespace {

bool shape(Scanner& in, std::size_t& count) {
    std::size_t dimensions = 0;
    bool flat = true;
    const auto read = [&] {
        std::size_t size;
        if (!in.count(size) || dimensions == 2) return false;
        flat = dimensions++ == 0 || size == 1 || count == 1;
        count = dimensions == 1 ? size : count * size;
        return flat;
    };
    return in.array(read);
}

bool parameters(Scanner& in, std::size_t& size) {
    bool there = false;
    const auto read = [&](std::string_view key) {
        if (there || key != "binary_data_size") return false;
        return there = in.count(size);
    };
    return in.object(read);
}

bool tensor(Scanner& in, std::string_view name, Declared& found) {
    unsigned seen = 0;
    const auto once = [&seen](unsigned field) {
        const bool fresh = (seen & field) == 0;
        seen |= field;
        return fresh;
    };
    const auto read = [&](std::string_view key) {
        if (key == "name") return once(1) && in.plain_string_of(name);
        if (key == "datatype") return once(2) && in.plain_string_of("BYTES");
        if (key == "shape") return once(4) && shape(in, found.count);
        return key == "parameters" && once(8) && parameters(in, found.size);
    };
    return in.object(read) && seen == 15;
}

bool inputs(Scanner& in, std::string_view name, Declared& found) {
    if (!in.symbol('[')) return false;
    found.begin = in.at() - 1;
    if (!tensor(in, name, found) || !in.symbol(']')) return false;
    found.end = in.at();
    return true;
}

}  // namespace

bool find_tensor(std::string_view head, std::string_view name, Declared& found) {
    Scanner in(head);
    const auto read = [&](std::string_view key) {
        if (key != "inputs") return in.skip_value();
        return found.begin == nullptr && inputs(in, name, found);
    };
    return in.object(read) && found.begin != nullptr;
}

}  // namespace idcolumn
