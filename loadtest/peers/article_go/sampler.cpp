#include "sampler.h"

#include <random>

void sample_beta(const double* alpha, const double* beta, double* scores, size_t n) {
    thread_local std::mt19937_64 generator{std::random_device{}()};
    for (size_t i = 0; i < n; ++i) {
        const double x = std::gamma_distribution<double>{alpha[i], 1}(generator);
        const double y = std::gamma_distribution<double>{beta[i], 1}(generator);
        scores[i] = x / (x + y);
    }
}
