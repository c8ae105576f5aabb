// The pieces of the draw path one by one, for tests against exact arithmetic.
#pragma once

#include <cstddef>

namespace betadist {

enum class Piece { LOG, EXP, SINE, COSINE, EXPONENT, SQUEEZE };

// LOG, EXP, SINE, COSINE of x (EXP times y; SINE and COSINE of x quarter turns); EXPONENT and
// SQUEEZE of a gamma with d = x proposed from the normal y.
template <class T>
void probe(Piece piece, const T* x, const T* y, std::size_t n, T* out);

}  // namespace betadist
