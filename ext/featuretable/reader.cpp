#include "reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace featuretable {
namespace {

constexpr std::string_view kNothing = "$-1\r\n";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kTwo = 2 * sizeof(double);

std::string line(char kind, std::size_t number) {
    return kind + std::to_string(number).append(kLineEnd);
}

// Whether one of them begins with the other.
bool agree(std::string_view text, std::string_view wanted) {
    return std::memcmp(text.data(), wanted.data(), std::min(text.size(), wanted.size())) == 0;
}

}  // namespace

RowReader::RowReader(std::size_t rows, std::size_t most, std::size_t features, double* values,
                     bool* found)
    : rows_(rows),
      most_(most),
      features_(features),
      head_(line('$', features * sizeof(double))),
      values_(values),
      found_(found) {}

std::size_t RowReader::read(std::string_view text) {
    const std::size_t size = text.size();
    while (!odd_ && row_ < rows_ && (opened_ || open(text)) && take(text)) {
        opened_ = ++row_ % most_ != 0;
    }
    return size - text.size();
}

// Reads the head of an array, unless it is not all there.
bool RowReader::open(std::string_view& text) {
    const std::string head = line('*', std::min(most_, rows_ - row_));
    odd_ = !agree(text, head);
    opened_ = !odd_ && text.size() >= head.size();
    if (opened_) text.remove_prefix(head.size());
    return opened_;
}

// Reads a row, unless it is not all there.
bool RowReader::take(std::string_view& text) {
    double* const row = values_ + row_ * features_;
    const bool found = agree(text, head_);
    odd_ = !found && !agree(text, kNothing);
    const std::size_t size = found ? features_ * sizeof(double) : 0;
    const std::size_t whole = found ? head_.size() + size + kLineEnd.size() : kNothing.size();
    if (odd_ || text.size() < whole) return false;
    if (!found) {
        std::fill_n(row, features_, std::numeric_limits<double>::quiet_NaN());
    } else if (size == kTwo) {  // without a call
        std::memcpy(row, text.data() + head_.size(), kTwo);
    } else {
        std::memcpy(row, text.data() + head_.size(), size);
    }
    odd_ = !text.substr(0, whole).ends_with(kLineEnd);
    found_[row_] = found;
    text.remove_prefix(whole);
    return !odd_;
}

}  // namespace featuretable
