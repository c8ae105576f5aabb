// The kernel by NEON: every 64-bit Arm processor.
#include "levels.hpp"

#if defined(__aarch64__)

#include "kernel.hpp"
#include "neon.hpp"

namespace betadist {

constinit const Kernel neon_kernel = kernel_of<Neon>("neon");

}  // namespace betadist

#endif
