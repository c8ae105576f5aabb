"""C++ programs of the sampler alone, built by make."""

import fcntl
import os
import subprocess
from pathlib import Path

__all__ = ["make"]

ROOT = Path(__file__).parents[3]


def make(target: str) -> Path:
    """Build a program, one at a time over all processes: they share objects."""
    jobs = f"-j{len(os.sched_getaffinity(0))}"
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build/programs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = subprocess.run(
            ["make", "-s", jobs, target], cwd=ROOT, capture_output=True, text=True, env=environment
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ROOT / target
