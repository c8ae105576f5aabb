#include "shapes.hpp"

#include <limits>

namespace betadist {
namespace {

template <class T>
T narrow(double x) {
    constexpr double least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
    return static_cast<T>(x < least ? least : x > most ? most : x);
}

}  // namespace

template <class T>
void part(const Shapes* rows, const bool* known, Shapes prior, std::size_t n, T* alpha, T* beta) {
    for (std::size_t i = 0; i < n; ++i) {
        alpha[i] = narrow<T>(known[i] ? rows[i].alpha : prior.alpha);
        beta[i] = narrow<T>(known[i] ? rows[i].beta : prior.beta);
    }
}

template void part(const Shapes*, const bool*, Shapes, std::size_t, float*, float*);
template void part(const Shapes*, const bool*, Shapes, std::size_t, double*, double*);

}  // namespace betadist
