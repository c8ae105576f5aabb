"""What runs here: versions, processor, operating system."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import betadist
from service.config import ServerSettings
from service.doctor.section import Section
from service.ports import port_problem

__all__ = ["machine", "versions"]

NEEDED = (
    *("bandit-serve", "numpy", "granian", "starlette", "orjson", "uvloop", "lmdb"),
    *("click", "httptools", "prometheus-client"),
)
OPTIONAL = (*("numba", "scipy", "pyarrow", "redis", "hiredis", "httpx", "google-cloud-aiplatform"),)
ABSENT = "not installed"
CPU_INFO = Path("/proc/cpuinfo")


def versions() -> Section:
    """Return the versions of what the service is made of."""
    needed = _versions(NEEDED)
    absent = [name for name, found in needed.items() if found == ABSENT]
    facts = {"python": platform.python_version(), **needed, **_versions(OPTIONAL)}
    return Section("versions", facts, [f"{name} is not installed" for name in absent])


def machine(server: ServerSettings) -> Section:
    """Return what the machine is; a port that is taken may be the running service's."""
    taken = port_problem(server.host, server.port)
    facts: dict[str, object] = {
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cpu quota": betadist.cpu_quota(),
        "workers": server.workers,
        "address": f"{server.host}:{server.port}",
        "address in use": bool(taken),
    }
    if taken:
        facts["note"] = f"`bandit-serve run` would not start on this address: {taken}"
    return Section("machine", facts)


def _versions(names: Iterable[str]) -> dict[str, object]:
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ABSENT


def _processor() -> str:
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown")
