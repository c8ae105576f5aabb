"""C++ programs of the sampler alone, built by make."""

import os
import subprocess
from pathlib import Path

__all__ = ["make"]

ROOT = Path(__file__).parents[3]


def make(target: str) -> Path:
    """Build a program."""
    jobs = f"-j{len(os.sched_getaffinity(0))}"
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    ran = subprocess.run(
        ["make", "-s", jobs, target], cwd=ROOT, capture_output=True, text=True, env=environment
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ROOT / target
