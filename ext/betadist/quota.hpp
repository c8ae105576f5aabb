// How many threads can run at once.
#pragma once

#include <filesystem>

namespace betadist {

// The CPUs that the thread may run on, or the quota of its control group (v2 or v1) or of one above
// it, rounded up, where that is smaller. `own` says which groups the process is in.
int cpu_quota(const std::filesystem::path& groups = "/sys/fs/cgroup",
              const std::filesystem::path& own = "/proc/self/cgroup");

}  // namespace betadist
