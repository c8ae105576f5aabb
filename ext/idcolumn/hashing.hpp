// The hashes of a whole column at once.
#pragma once

#include "column.hpp"

namespace idcolumn {

// Fills in the hashes and fingerprints of ids whose starts and lengths are there.
void hash(Column& column);

}  // namespace idcolumn
