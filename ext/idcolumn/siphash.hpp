// SipHash with 128 bits of output (Aumasson & Bernstein, "SipHash: a fast short-input PRF",
// INDOCRYPT 2012, and the authors' 128-bit variant), for any number of rounds.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace idcolumn {

struct Digest {
    std::uint64_t low;
    std::uint64_t high;
};

struct SipKey {
    std::uint64_t low;
    std::uint64_t high;
};

inline std::uint64_t little_endian(std::uint64_t word) {
    if constexpr (std::endian::native == std::endian::big) return __builtin_bswap64(word);
    return word;
}

inline std::uint64_t load_word(const char* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return little_endian(word);
}

struct SipState {
    std::uint64_t v[4];

    template <int Rounds>
    void mix() {
        for (int round = 0; round < Rounds; ++round) {
            v[0] += v[1], v[1] = std::rotl(v[1], 13), v[1] ^= v[0], v[0] = std::rotl(v[0], 32);
            v[2] += v[3], v[3] = std::rotl(v[3], 16), v[3] ^= v[2];
            v[0] += v[3], v[3] = std::rotl(v[3], 21), v[3] ^= v[0];
            v[2] += v[1], v[1] = std::rotl(v[1], 17), v[1] ^= v[2], v[2] = std::rotl(v[2], 32);
        }
    }

    template <int Rounds>
    void absorb(std::uint64_t word) {
        v[3] ^= word;
        mix<Rounds>();
        v[0] ^= word;
    }

    template <int Rounds>
    Digest digest() {
        v[2] ^= 0xee;
        mix<Rounds>();
        const std::uint64_t low = v[0] ^ v[1] ^ v[2] ^ v[3];
        v[1] ^= 0xdd;
        mix<Rounds>();
        return {low, v[0] ^ v[1] ^ v[2] ^ v[3]};
    }
};

inline SipState sip_start(SipKey key) {
    return {{key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d ^ 0xee,
             key.low ^ 0x6c7967656e657261, key.high ^ 0x7465646279746573}};
}

// The last block: what is left of the input, and the input's size modulo 256 in the top byte.
inline std::uint64_t sip_tail(const char* rest, std::size_t size) {
    const std::size_t left = size % 8;
    std::uint64_t word = static_cast<std::uint64_t>(size) << 56;
    if (size > 8 && left != 0) return word | load_word(rest + left - 8) >> (64 - 8 * left);
    for (std::size_t i = 0; i < left; ++i)
        word |= std::uint64_t{static_cast<unsigned char>(rest[i])} << 8 * i;
    return word;
}

// The same of an input that lies in `text`, read without a branch on its size.
inline std::uint64_t sip_tail_within(const char* text, const char* bytes, std::size_t size) {
    const char* const end = bytes + size;
    if (end - text < 8) return sip_tail(end - size % 8, size);
    const std::uint64_t last = load_word(end - 8);
    return static_cast<std::uint64_t>(size) << 56 | last >> 8 >> (56 - size % 8 * 8);
}

template <int BlockRounds, int FinalRounds>
Digest siphash128(const char* bytes, std::size_t size, SipKey key) {
    SipState state = sip_start(key);
    const char* const rest = bytes + (size - size % 8);
    for (; bytes != rest; bytes += 8) state.absorb<BlockRounds>(load_word(bytes));
    state.absorb<BlockRounds>(sip_tail(rest, size));
    return state.digest<FinalRounds>();
}

// The 16 bytes "bandit-serve ids", read as two little-endian words.
inline constexpr SipKey kIdKey{0x732d7469646e6162, 0x7364692065767265};

inline Digest hash_id(const char* bytes, std::size_t size) {
    return siphash128<1, 3>(bytes, size, kIdKey);
}

}  // namespace idcolumn
