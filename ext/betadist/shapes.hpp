// Posteriors as they are stored.
#pragma once

namespace betadist {

struct Shapes {
    double alpha, beta;
};

}  // namespace betadist
