#pragma once

namespace betadist {

// Changes whenever a seeded draw does: see stream.hpp.
inline constexpr int STREAM_VERSION = 1;

// Of the joint proposals at most 9.4 % are rejected (both shapes 1): 64 rejections in a row have a
// chance below 1e-65. The draw is then the ratio of the proposals' centres.
inline constexpr int MAX_ATTEMPTS = 64;

}  // namespace betadist
