// x / (x + y) of two std::gamma_distribution draws, as one writes it without a library.
#include <random>

#include "peer.hpp"

namespace {

std::mt19937_64 generator(1);

template <class T>
void run(const std::string& folder, const peer::Request& request) {
    std::gamma_distribution<T> gamma;
    using Shape = typename std::gamma_distribution<T>::param_type;
    peer::run<T>(folder, request, [&](const auto& shapes, auto& out) {
        for (std::size_t i = 0; i < out.size(); ++i) {
            T x, y;
            do {  // float32 gammas of shapes near 0.05 can both be 0
                x = gamma(generator, Shape(shapes.alpha[i]));
                y = gamma(generator, Shape(shapes.beta[i]));
            } while (!(x + y > 0));
            out[i] = x / (x + y);
        }
    });
}

}  // namespace

int main(int, char** arguments) {
    std::printf("g++ " __VERSION__ ", std::mt19937_64\n");
    std::fflush(stdout);
    for (peer::Request request; std::cin >> request;) {
        (request.dtype == "float32" ? run<float> : run<double>)(arguments[1], request);
    }
}
