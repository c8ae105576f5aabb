// Unique ids that are ordered by the time when they were made.
#pragma once

#include <cstddef>

namespace idcolumn {

constexpr std::size_t kUuidSize = 36;

// Writes a UUID of version 7 (RFC 9562), ordered to 0.25 us by its method 3: 48 bits of
// milliseconds, 12 bits of the millisecond's fraction, 62 random bits. They differ and are no
// secret: the system seeds them once in each thread.
void write_uuid7(char* out);

}  // namespace idcolumn
