#include "tensor.hpp"

#include <cstring>

#include "hashing.hpp"
#include "text.hpp"

namespace idcolumn {
namespace {

std::uint32_t load_length(const char* at) {
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < kLengthSize; ++i)
        length |= std::uint32_t{static_cast<unsigned char>(at[i])} << 8 * i;
    return length;
}

char* store_length(char* out, std::uint32_t length) {
    for (std::size_t i = 0; i < kLengthSize; ++i) *out++ = static_cast<char>(length >> 8 * i);
    return out;
}

std::string_view pick(const Column& column, const std::int64_t* order, std::size_t i) {
    return column[order == nullptr ? i : static_cast<std::size_t>(order[i])];
}

}  // namespace

Verdict index_tensor(std::string_view tensor, Column& column) {
    const char* at = tensor.data();
    const char* const end = at + tensor.size();
    const auto left = [&] { return static_cast<std::size_t>(end - at); };
    for (std::size_t i = 0; i < column.count; ++i) {
        if (left() < kLengthSize) return {Flaw::kNoLength, i, 0, left()};
        const std::size_t length = load_length(at);
        at += kLengthSize;
        if (left() < length) return {Flaw::kTooLong, i, length, left()};
        const char* const next = at + length;
        if (const char* const odd = plain_end(at, next); odd != next) {
            if (utf8_end(odd, next) != next) return {Flaw::kIllFormed, i, length, left()};
            column.plain = false;
        }
        set(column, i, {at, length});
        at = next;
    }
    hash(column);
    return {at == end ? Flaw::kNone : Flaw::kLeftOver, column.count, 0, left()};
}

std::size_t tensor_size(const Column& column, const std::int64_t* order, std::size_t count) {
    std::size_t size = kLengthSize * count;
    for (std::size_t i = 0; i < count; ++i) size += pick(column, order, i).size();
    return size;
}

void write_tensor(const Column& column, const std::int64_t* order, std::size_t count, char* out) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view id = pick(column, order, i);
        out = store_length(out, static_cast<std::uint32_t>(id.size()));
        std::memcpy(out, id.data(), id.size());
        out += id.size();
    }
}

}  // namespace idcolumn
