// The core's frequency: a chain of dependent additions takes one cycle each on every x86-64 and
// AArch64 core of the last ten years. It answers as many draws as cycles went by.
#include "peer.hpp"

namespace {

constexpr std::size_t chain = 4096;

void add_one_after_the_other() {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < chain / 16; ++i) {
#pragma GCC unroll 16
        for (int j = 0; j < 16; ++j) {
            sum += 3;
            asm volatile("" : "+r"(sum));  // keeps the sixteen additions apart
        }
    }
}

}  // namespace

int main() {
    std::printf("g++ " __VERSION__ "\n");
    std::fflush(stdout);
    for (peer::Request request; std::cin >> request;) {
        const auto timing = peer::timed(chain, request.milliseconds, add_one_after_the_other);
        peer::answer(static_cast<double>(timing.passes * chain), timing.nanoseconds, 0, 0);
    }
}
