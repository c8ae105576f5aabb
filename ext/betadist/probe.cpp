#include "probe.hpp"

#include "gamma.hpp"

namespace betadist {
namespace {

template <class T>
T piece_of(Piece piece, T x, T y) {
    using V = Scalar<T>;
    T sine, cosine;
    switch (piece) {
        case Piece::LOG:
            return log<V>(x);
        case Piece::EXP:
            return times_exp<V>(y, x);
        case Piece::SINE:
            sin_cos<V>(x, sine, cosine);
            return sine;
        case Piece::COSINE:
            sin_cos<V>(x, sine, cosine);
            return cosine;
        case Piece::EXPONENT:
            return Proposal<V>(x, V::sqrt(x), y).exponent();
        case Piece::SQUEEZE:
            return Proposal<V>(x, V::sqrt(x), y).squeeze();
    }
    return 0;
}

}  // namespace

template <class T>
void probe(Piece piece, const T* x, const T* y, std::size_t n, T* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = piece_of(piece, x[i], y[i]);
}

template void probe(Piece, const float*, const float*, std::size_t, float*);
template void probe(Piece, const double*, const double*, std::size_t, double*);

}  // namespace betadist
