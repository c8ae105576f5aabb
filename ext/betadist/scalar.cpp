// The kernel for any processor. Where the instruction set has no fma the C library supplies it:
// the same bits, slowly.
#include "kernel.hpp"
#include "levels.hpp"

namespace betadist {

constinit const Kernel scalar_kernel = kernel_of<Scalar>("scalar");

}  // namespace betadist
