#include "tensor.hpp"

#include <bit>
#include <cstring>

#include "hashing.hpp"
#include "text.hpp"

namespace idcolumn {
namespace {

std::uint32_t load_length(const char* at) {
    std::uint32_t length;
    std::memcpy(&length, at, sizeof length);
    if constexpr (std::endian::native == std::endian::big) return __builtin_bswap32(length);
    return length;
}

// Of the elements and of their lengths, which are below 128 in most tensors; vector code.
bool all_ascii(std::string_view tensor) {
    char bits = 0;
    for (const char c : tensor) bits |= c;
    return (bits & 0x80) == 0;
}

char* store_length(char* out, std::uint32_t length) {
    for (std::size_t i = 0; i < kLengthSize; ++i) *out++ = static_cast<char>(length >> 8 * i);
    return out;
}

}  // namespace

Verdict index_tensor(std::string_view tensor, Column& column) {
    const char* at = tensor.data();
    const char* const end = at + tensor.size();
    const bool ascii = all_ascii(tensor);
    const auto left = [&] { return static_cast<std::size_t>(end - at); };
    for (std::size_t i = 0; i < column.count; ++i) {
        if (left() < kLengthSize) return {Flaw::kNoLength, i, 0, left()};
        const std::size_t length = load_length(at);
        at += kLengthSize;
        if (left() < length) return {Flaw::kTooLong, i, length, left()};
        const std::string_view id(at, length);
        if (!ascii && !is_utf8(id)) return {Flaw::kIllFormed, i, length, left()};
        set(column, i, id);
        at += length;
    }
    column.looked = false;
    hash(column);
    return {at == end ? Flaw::kNone : Flaw::kLeftOver, column.count, 0, left()};
}

std::size_t tensor_size(const Column& column, const std::int64_t* order, std::size_t count) {
    std::size_t size = kLengthSize * count;
    for (std::size_t i = 0; i < count; ++i) size += column.nth(order, i).size();
    return size;
}

void write_tensor(const Column& column, const std::int64_t* order, std::size_t count, char* out) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view id = column.nth(order, i);
        out = store_length(out, static_cast<std::uint32_t>(id.size()));
        std::memcpy(out, id.data(), id.size());
        out += id.size();
    }
}

}  // namespace idcolumn
