"""How many CPUs this process may use."""

import math
import os
from pathlib import Path

__all__ = ["cpu_quota"]

CGROUP = Path("/sys/fs/cgroup")


def cpu_quota(cgroup: Path = CGROUP) -> int:
    """Return the CPUs of the affinity mask, or the container's quota where that is smaller."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, _cgroup_limit(cgroup)))


def _cgroup_limit(cgroup: Path) -> int:
    """Return the quota of cgroup v2, else v1, rounded up; a large number when there is none."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return 1 << 20
    if quota == "max" or int(quota) <= 0:
        return 1 << 20
    return math.ceil(int(quota) / int(period))
