// The instructions that many hashes or digits are computed with: all levels give the same.
#pragma once

namespace idcolumn {

enum class Level { kPlain, kAvx2, kAvx512 };

// What this processor runs.
Level highest_level();

// What is used, in all threads: the highest unless a lower one was set.
Level level();
void set_level(Level wanted);

}  // namespace idcolumn
