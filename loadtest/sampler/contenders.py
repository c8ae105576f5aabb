"""Who takes part, and how each is built."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.sampler.protocol import Failed

__all__ = ["CLOCK", "CONTENDERS", "FLOOR", "LEVELS", "OURS", "REFERENCE", "Contender", "levels"]

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "loadtest" / "peers"
BUILT = ROOT / "build" / "peers"
BUILD_S = 300.0

BOTH = ("float32", "float64")
DOUBLE = ("float64",)
OURS = "betadist"
REFERENCE = "numpy PCG64"
LEVELS = ("avx512", "avx2", "neon", "scalar")


@dataclass(frozen=True, slots=True)
class Contender:
    """A sampler: `prepare` builds it and returns its command, or raises `Failed`."""

    name: str
    dtypes: Sequence[str]
    prepare: Callable[[], list[str]]


def _build(command: list[str], folder: Path = ROOT) -> None:
    if shutil.which(command[0]) is None:
        raise Failed(f"{command[0]} is not installed")
    BUILT.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=BUILD_S
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]} took more than {BUILD_S:g} s") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        said = next((line for line in lines if "error" in line), lines[-1] if lines else "")
        raise Failed(f"{command[0]} failed: {said}") from None


def _cpp(name: str) -> Callable[[], list[str]]:
    def prepare() -> list[str]:
        flags = ["-std=c++20", "-O3", "-march=native", "-I", str(ROOT / "ext" / "betadist")]
        _build(["g++", *flags, str(PEERS / f"{name}.cpp"), "-o", str(BUILT / name)])
        return [str(BUILT / name)]

    return prepare


def _rust() -> list[str]:
    manifest, target = PEERS / "rand_distr" / "Cargo.toml", BUILT / "rand_distr"
    command = ["cargo", "build", "--release", "--manifest-path", str(manifest)]
    _build([*command, "--target-dir", str(target)])
    return [str(target / "release" / "peer")]


def _go() -> list[str]:
    _build(["go", "build", "-o", str(BUILT / "gonum"), "."], PEERS / "gonum")
    return [str(BUILT / "gonum")]


def _python(sampler: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, str(PEERS / "python.py"), sampler]


def _apart(sampler: str) -> Callable[[], list[str]]:
    def prepare() -> list[str]:
        python = BUILT / "venv" / "bin" / "python"
        if not python.exists():
            raise Failed("not installed; `make bench-peers` does that")
        return [str(python), str(PEERS / "python.py"), sampler]

    return prepare


def _level(level: str) -> Callable[[], list[str]]:
    return lambda: ["env", f"BETADIST_SIMD={level}", *_python("betadist")()]


def levels() -> list[Contender]:
    """Return ours once per SIMD level; those that this processor lacks do not start."""
    return [Contender(f"{OURS} {level}", BOTH, _level(level)) for level in LEVELS]


CLOCK = Contender("clock", (), _cpp("clock"))
FLOOR = Contender("floor", BOTH, _cpp("floor"))
CONTENDERS = (
    Contender(OURS, BOTH, _python("betadist")),
    Contender(REFERENCE, DOUBLE, _python("pcg64")),
    Contender("numpy SFC64", DOUBLE, _python("sfc64")),
    Contender("numpy Philox", DOUBLE, _python("philox")),
    Contender("scipy", DOUBLE, _python("scipy")),
    Contender("torch", BOTH, _apart("torch")),
    Contender("mkl_random", DOUBLE, _apart("mkl")),
    Contender("C++ std::gamma_distribution", BOTH, _cpp("std_gamma")),
    Contender("Rust rand_distr", BOTH, _rust),
    Contender("Go gonum", DOUBLE, _go),
)
