#include "quota.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace betadist {
namespace {

namespace fs = std::filesystem;

int allowed_cpus() {
#if defined(__linux__)
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) return CPU_COUNT(&cpus);
#endif
    return static_cast<int>(std::thread::hardware_concurrency());
}

int rounded_up(double quota, double period) {
    if (!(quota > 0 && period > 0)) return INT_MAX;
    return static_cast<int>(std::min<double>(std::ceil(quota / period), INT_MAX));
}

double number_in(const fs::path& file) {
    double number = 0;
    std::ifstream(file) >> number;
    return number;
}

// "max 100000" and a missing file read as no number; neither sets a quota.
int quota_v2(const fs::path& group) {
    double quota = 0, period = 0;
    std::ifstream(group / "cpu.max") >> quota >> period;
    return rounded_up(quota, period);
}

int quota_v1(const fs::path& group) {
    return rounded_up(number_in(group / "cpu.cfs_quota_us"),
                      number_in(group / "cpu.cfs_period_us"));
}

// A container often sees its group as the root, though `path` is told from outside: groups that
// aren't there set no quota.
template <class Quota>
int least_quota(const fs::path& root, const std::string& path, const Quota& quota) {
    int least = quota(root);
    fs::path group = root;
    for (const auto& name : fs::path(path).relative_path()) {
        group /= name;
        least = std::min(least, quota(group));
    }
    return least;
}

bool names_cpu(const std::string& controllers) {
    std::istringstream names(controllers);
    for (std::string name; std::getline(names, name, ',');) {
        if (name == "cpu") return true;
    }
    return false;
}

}  // namespace

int cpu_quota(const fs::path& groups, const fs::path& own) {
    int least = std::min(allowed_cpus(), quota_v2(groups));
    std::ifstream lines(own);
    std::string number, controllers, path;
    while (std::getline(lines, number, ':') && std::getline(lines, controllers, ':') &&
           std::getline(lines, path)) {
        if (controllers.empty()) {
            least = std::min(least, least_quota(groups, path, quota_v2));
        } else if (names_cpu(controllers)) {
            least = std::min(least, least_quota(groups / controllers, path, quota_v1));
            least = std::min(least, least_quota(groups / "cpu", path, quota_v1));
        }
    }
    return std::max(1, least);
}

}  // namespace betadist
