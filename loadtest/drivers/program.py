"""Load generators that are programs of others: found, run, and stopped when they don't end."""

import math
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from loadtest.drivers.driver import DriverError, Load

__all__ = ["BUILD", "check", "found", "output"]

BUILD = Path(__file__).parents[2] / "build"  # where make installs what is not on the PATH
SPARE_S = 60.0  # to start and to end


def found(name: str, built: str, remedy: str) -> str:
    """Return the path of a program in BUILD or on the PATH; a DriverError says how to get it."""
    program = shutil.which(BUILD / built) or shutil.which(name)
    if program is None:
        raise DriverError(f"{name} is not installed; {remedy}")
    return program


def check(load: Load, *, whole: bool = False) -> None:
    """Raise ValueError unless a program can be asked for a load, or only for whole seconds."""
    if not 1 <= load.seconds < math.inf:
        raise ValueError(f"seconds is {load.seconds:g}, must be finite and >= 1 for this driver")
    if whole and load.seconds % 1:
        raise ValueError(f"seconds is {load.seconds:g}, must be a whole number for this driver")
    if load.connections < 1:
        raise ValueError(f"connections is {load.connections}, must be >= 1")


def output(command: Sequence[str], seconds: float) -> str:
    """Return what a program prints that should load for so many seconds."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + SPARE_S)
    except subprocess.TimeoutExpired as error:
        raise DriverError(f"{command[0]} did not end within {error.timeout:.0f} s") from error
    if done.returncode:
        message = (done.stderr or done.stdout).strip()
        raise DriverError(f"{command[0]} ended with status {done.returncode}: {message}")
    return done.stdout
