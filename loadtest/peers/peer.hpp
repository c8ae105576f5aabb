// A contender's side of the line protocol, which loadtest/sampler/protocol.py states.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace peer {

struct Request {
    std::string mix, dtype;
    std::size_t n;
    double milliseconds;

    friend std::istream& operator>>(std::istream& in, Request& r) {
        std::string verb;
        return in >> verb >> r.mix >> r.n >> r.dtype >> r.milliseconds;
    }
};

template <class T>
struct Shapes {
    std::vector<T> alpha, beta;

    Shapes(const std::string& folder, const Request& r) : alpha(r.n), beta(r.n) {
        const std::string name = r.mix + "-" + std::to_string(r.n) + "-" + r.dtype + ".bin";
        std::ifstream file(folder + "/" + name, std::ios::binary);
        for (auto* column : {&alpha, &beta}) {
            file.read(reinterpret_cast<char*>(column->data()), static_cast<long>(r.n * sizeof(T)));
        }
        if (!file) throw std::runtime_error("cannot read " + name);
    }
};

struct Timing {
    std::size_t passes;
    double nanoseconds;
};

inline double cpu_nanoseconds() {
    std::timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

// Passes until the time is up; the clock on the wall is read every 4096 draws.
template <class Pass>
Timing timed(std::size_t n, double milliseconds, Pass pass) {
    using Clock = std::chrono::steady_clock;
    const std::size_t batch = std::max<std::size_t>(1, 4096 / n);
    const auto stop = Clock::now() + std::chrono::duration<double, std::milli>(milliseconds);
    const double before = cpu_nanoseconds();
    std::size_t passes = 0;
    while (passes == 0 || Clock::now() < stop) {
        for (std::size_t i = 0; i < batch; ++i) pass();
        passes += batch;
    }
    return {passes, cpu_nanoseconds() - before};
}

inline void answer(double draws, double nanoseconds, double mean, double mean_square) {
    std::printf("%.0f %.0f %.17g %.17g\n", draws, nanoseconds, mean, mean_square);
    std::fflush(stdout);
}

// `draw(shapes, out)` fills `out` once.
template <class T, class Draw>
void run(const std::string& folder, const Request& r, Draw draw) {
    const Shapes<T> shapes(folder, r);
    std::vector<T> out(r.n);
    const Timing timing = timed(r.n, r.milliseconds, [&] { draw(shapes, out); });
    double sum = 0, squares = 0;
    for (const double x : out) {
        sum += x;
        squares += x * x;
    }
    const auto n = static_cast<double>(r.n);
    answer(static_cast<double>(timing.passes) * n, timing.nanoseconds, sum / n, squares / n);
}

}  // namespace peer
