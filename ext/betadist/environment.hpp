#pragma once

#include <cfenv>

namespace betadist {

// Rounding to nearest and gradual underflow for its scope, whatever the thread was left in.
class FloatingPoint {
   public:
    FloatingPoint() {
        std::fegetenv(&saved_);
        std::fesetenv(FE_DFL_ENV);
    }
    ~FloatingPoint() { std::fesetenv(&saved_); }
    FloatingPoint(const FloatingPoint&) = delete;
    FloatingPoint& operator=(const FloatingPoint&) = delete;

   private:
    std::fenv_t saved_;
};

}  // namespace betadist
