// Which of four positions are kept: the byte shuffle that puts them first.
#pragma once

#include <cstdint>

namespace betadist {
namespace {

// For each set of kept lanes of 4, the bytes of their positions, kept ones first, and how many.
struct Kept {
    alignas(16) std::uint8_t bytes[16][16];
    std::uint8_t count[16];

    constexpr Kept() : bytes(), count() {
        for (int kept = 0; kept < 16; ++kept) {
            for (int lane = 0; lane < 4; ++lane) {
                if (kept >> lane & 1) keep(bytes[kept] + 4 * count[kept]++, lane);
            }
        }
    }

   private:
    static constexpr void keep(std::uint8_t* to, int lane) {
        for (int byte = 0; byte < 4; ++byte) to[byte] = static_cast<std::uint8_t>(4 * lane + byte);
    }
};

constexpr Kept kept_first{};

}  // namespace
}  // namespace betadist
