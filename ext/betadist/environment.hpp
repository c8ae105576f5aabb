#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace betadist {

// Rounding to nearest and gradual underflow for its scope, whatever the thread was left in.
class FloatingPoint {
   public:
    FloatingPoint(const FloatingPoint&) = delete;
    FloatingPoint& operator=(const FloatingPoint&) = delete;

#if defined(__x86_64__)
    // fegetenv and fesetenv would take 290 ns for the x87 unit, which nothing here uses.
    FloatingPoint() : saved_(_mm_getcsr()) { _mm_setcsr(0x1F80); }
    ~FloatingPoint() { _mm_setcsr(saved_); }

   private:
    unsigned saved_;
#else
    FloatingPoint() {
        std::fegetenv(&saved_);
        std::fesetenv(FE_DFL_ENV);
    }
    ~FloatingPoint() { std::fesetenv(&saved_); }

   private:
    std::fenv_t saved_;
#endif
};

}  // namespace betadist
