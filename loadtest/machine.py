"""What a measurement was made on, and with."""

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["about", "cores"]

PACKAGES = ("bandit-serve", "granian", "numpy", "uvloop", "locust")


def about() -> dict[str, object]:
    """Return machine, versions, command and time as data for `write_results`."""
    return {
        "machine": {
            "processor": _processor(),
            "cores": cores(),
            "memory_bytes": os.sysconf("SC_PAGESIZE") * os.sysconf("SC_PHYS_PAGES"),
            "platform": platform.platform(),
        },
        "versions": {"python": platform.python_version(), "commit": _commit(), **_packages()},
        "command": shlex.join(["python", "-m", "loadtest", *sys.argv[1:]]),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def cores() -> float:
    """Return how many cores' time this process may use: those it may run on, or its quota."""
    usable = float(len(os.sched_getaffinity(0)))
    quota = Path("/sys/fs/cgroup/cpu.max")
    if not quota.exists():
        return usable
    most, period = quota.read_text().split()
    return usable if most == "max" else min(usable, int(most) / int(period))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    """Return the commit of the sources, "" where they are not in a repository."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
