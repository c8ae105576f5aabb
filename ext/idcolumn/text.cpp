#include "text.hpp"

#include <bit>
#include <cstdint>

#include "siphash.hpp"

namespace idcolumn {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighBits = 0x80 * kOnes;

std::uint8_t byte(const char* at) { return static_cast<std::uint8_t>(*at); }

bool continues(const char* at) { return (byte(at) & 0xc0) == 0x80; }

// The least and greatest second byte after each first byte of a sequence of three or four bytes
// keep out overlong forms, surrogates and what lies past U+10FFFF (Unicode Standard, table 3-7).
bool second_fits(std::uint8_t first, std::uint8_t second) {
    switch (first) {
        case 0xe0: return second >= 0xa0 && second <= 0xbf;
        case 0xed: return second >= 0x80 && second <= 0x9f;
        case 0xf0: return second >= 0x90 && second <= 0xbf;
        case 0xf4: return second >= 0x80 && second <= 0x8f;
        default: return second >= 0x80 && second <= 0xbf;
    }
}

std::size_t sequence_size(std::uint8_t first) {
    if (first < 0xc2 || first > 0xf4) return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

// Bytes of the well-formed sequence that starts at a byte past ASCII; 0 if there is none.
std::size_t sequence(const char* at, const char* end) {
    const std::uint8_t first = byte(at);
    const std::size_t size = sequence_size(first);
    if (size == 0 || static_cast<std::size_t>(end - at) < size) return 0;
    if (!second_fits(first, byte(at + 1))) return 0;
    for (std::size_t i = 2; i < size; ++i) {
        if (!continues(at + i)) return 0;
    }
    return size;
}

// The marks below set the high bit of every byte looked for. A borrow can set it in a byte above
// such a one too, never below, so the lowest mark is right.
std::uint64_t zero_bytes(std::uint64_t word) { return word - kOnes; }

std::uint64_t past_ascii(std::uint64_t word) { return word & kHighBits; }

std::uint64_t not_plain_ascii(std::uint64_t word) {
    const std::uint64_t quote = zero_bytes(word ^ '"' * kOnes);
    const std::uint64_t backslash = zero_bytes(word ^ '\\' * kOnes);
    const std::uint64_t control = word - 0x20 * kOnes;
    return (word | quote | backslash | control) & kHighBits;
}

bool is_plain_ascii(std::uint8_t c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

bool is_ascii(std::uint8_t c) { return c < 0x80; }

// Walks over bytes without a mark, eight at a time, and over sequences past ASCII.
template <std::uint64_t (*Marks)(std::uint64_t), bool (*Passes)(std::uint8_t)>
const char* walk(const char* at, const char* end) {
    const char* const begin = at;
    for (;;) {
        std::uint64_t marks = 0;
        while (end - at >= 8 && (marks = Marks(load_word(at))) == 0) at += 8;
        // The last bytes, together with some that were passed before.
        if (marks == 0 && end - begin >= 8 && Marks(load_word(end - 8)) == 0) return end;
        if (marks != 0) {
            at += std::countr_zero(marks) / 8;
        } else {
            while (at != end && Passes(byte(at))) ++at;
        }
        if (at == end || is_ascii(byte(at))) return at;
        const std::size_t size = sequence(at, end);
        if (size == 0) return at;
        at += size;
    }
}

}  // namespace

const char* utf8_end(const char* at, const char* end) {
    return walk<past_ascii, is_ascii>(at, end);
}

const char* plain_end(const char* at, const char* end) {
    return walk<not_plain_ascii, is_plain_ascii>(at, end);
}

}  // namespace idcolumn
