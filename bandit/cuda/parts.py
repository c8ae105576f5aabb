"""What `CudaSampler` is made of, in one import: of all that needs Numba."""

from numba import cuda

from bandit.cuda.columns import Residents
from bandit.cuda.launcher import Launcher
from bandit.cuda.layout import Layout
from bandit.cuda.requests import Best, Draw, DrawResident
from bandit.cuda.target import SIMULATED
from bandit.cuda.worker import Worker

__all__ = [
    "SIMULATED",
    "Best",
    "Draw",
    "DrawResident",
    "Launcher",
    "Layout",
    "Residents",
    "Worker",
    "require_device",
]


def require_device() -> None:
    """Raise the driver's error where there is no device."""
    cuda.current_context()
