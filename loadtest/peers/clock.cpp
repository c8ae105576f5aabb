// The core's frequency: a chain of dependent 64-bit multiplications takes three cycles each on the
// x86-64 cores of the last fifteen years. (Additions of a small constant are folded by some.) It
// answers as many draws as cycles went by.
#include "peer.hpp"

namespace {

constexpr std::size_t chain = 2048, cycles_each = 3;

void multiply_one_after_the_other() {
    std::size_t product = 3;
    for (std::size_t i = 0; i < chain / 16; ++i) {
#pragma GCC unroll 16
        for (int j = 0; j < 16; ++j) {
            product *= product;
            asm volatile("" : "+r"(product));  // keeps the sixteen apart
        }
    }
}

}  // namespace

int main() {
    std::printf("g++ " __VERSION__ "\n");
    std::fflush(stdout);
    for (peer::Request request; std::cin >> request;) {
        const auto timing =
            peer::timed(chain * cycles_each, request.milliseconds, multiply_one_after_the_other);
        peer::answer(static_cast<double>(timing.passes * chain * cycles_each),
                     timing.nanoseconds, 0, 0);
    }
}
