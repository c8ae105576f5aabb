// The kernel by NEON: every 64-bit Arm processor.
#include "levels.hpp"

#if defined(__aarch64__)

#include "kernel.hpp"
#include "neon.hpp"

namespace betadist {

const Kernel neon_kernel = {"neon", draw<Neon<float>>, draw<Neon<double>>};

}  // namespace betadist

#endif
