// The kernel for any processor. Where the instruction set has no fma the C library supplies it:
// the same bits, slowly.
#include "fit.hpp"
#include "kernel.hpp"
#include "levels.hpp"

namespace betadist {

const Kernel scalar_kernel = {"scalar", are_fit<Scalar<float>>, are_fit<Scalar<double>>, draw<Scalar<float>>,
                              draw<Scalar<double>>};

}  // namespace betadist
