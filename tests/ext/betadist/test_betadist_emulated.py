"""Other builds of the sampler, and levels of emulated processors, draw the same bits."""

import platform
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from betadist import _core, golden
from tests.ext.betadist.programs import make
from tests.ext.betadist.shape_columns import ShapeColumns

KEY = 0xFEDC_BA98_7654_3210
SOURCES = Path(__file__).parents[3] / "ext" / "betadist"
DRIVER = Path(__file__).with_name("draw.cpp")
# The last two as in setup.py.
FLAGS = ("-std=c++20", "-O2", "-pthread", "-ffp-contract=off", "-fno-math-errno")


class Target(NamedTuple):
    """A compiler, what runs its program, and the levels that must then be there.

    Without a compiler it is the one of make.
    """

    compiler: str
    emulator: str
    levels: list[str]

    def missing(self) -> list[str]:
        tools = {*self.compiler.split()[:1], *self.emulator.split()[:1]}
        if "aarch64" in self.compiler:
            tools.add("aarch64-linux-gnu-g++")  # clang links its libraries
        return sorted(tool for tool in tools if shutil.which(tool) is None)


TARGETS = {"clang": Target("clang++", "", _core.kernels())}
if platform.machine() == "x86_64":
    aarch64 = "qemu-aarch64", ["scalar", "neon"]
    TARGETS |= {
        "neon": Target("aarch64-linux-gnu-g++ -static", *aarch64),
        "neon by clang": Target("clang++ --target=aarch64-linux-gnu -static", *aarch64),
        "avx2": Target("", "qemu-x86_64 -cpu Haswell", ["scalar", "avx2"]),
        "before avx2": Target("", "qemu-x86_64 -cpu Nehalem", ["scalar"]),
    }


class Driver(NamedTuple):
    """draw.cpp as built for a target."""

    command: list[str]
    levels: list[str]

    def draw(
        self, alpha: NDArray, beta: NDArray, key: int, lanes: NDArray, attempts: int
    ) -> dict[str, bytes]:
        """Return the bytes that every level drew, by its name."""
        head = np.array([alpha.itemsize, len(alpha), key, attempts], np.uint64)
        sent = b"".join(column.tobytes() for column in (head, alpha, beta, lanes))
        left = run(self.command, sent)
        drawn = {}
        while left:
            level, _, left = left.partition(b"\n")
            drawn[level.decode()], left = left[: alpha.nbytes], left[alpha.nbytes :]
        return drawn


def run(command: list[str], sent: bytes = b"") -> bytes:
    ran = subprocess.run(command, input=sent, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout


def build(compiler: str, folder: Path) -> Path:
    """Compile, by make what it has objects of."""
    if not compiler:
        return make("build/draw")
    program = folder / compiler.replace(" ", "")
    if not program.exists():
        sources = map(str, [DRIVER, *sorted(SOURCES.glob("*.cpp"))])
        run([*compiler.split(), *FLAGS, f"-I{SOURCES}", "-o", str(program), *sources])
    return program


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("draw")


@pytest.fixture(scope="session", params=TARGETS)
def driver(request: pytest.FixtureRequest, folder: Path) -> Driver:
    target = TARGETS[request.param]
    if missing := target.missing():
        pytest.skip(f"{' and '.join(missing)} not installed")
    program = build(target.compiler, folder)
    return Driver([*target.emulator.split(), str(program)], target.levels)


@pytest.mark.parametrize("attempts", [1, _core.MAX_ATTEMPTS])
def test_other_builds_draw_alike(
    driver: Driver, mixed: ShapeColumns, dtype: str, attempts: int
) -> None:
    alpha, beta, lanes = mixed.take(slice(4003))  # whole blocks of the kernel's, and a part of one
    level = _core.kernels()[-1]
    expected = _core.sample_with(level, alpha, beta, KEY, lanes, max_attempts=attempts)
    assert expected.dtype == dtype
    drawn = driver.draw(alpha, beta, KEY, lanes, attempts)
    assert list(drawn) == driver.levels
    for name, draws in drawn.items():
        assert draws == expected.tobytes(), name


def test_other_builds_draw_what_is_pinned(driver: Driver, dtype: str) -> None:
    pinned = [g for g in golden.DRAWS if g.dtype == dtype]
    alpha = np.array([g.alpha for g in pinned], dtype)
    beta = np.array([g.beta for g in pinned], dtype)
    lanes = np.array([g.lane for g in pinned], np.uint64)
    expected = np.array([float.fromhex(g.draw) for g in pinned], dtype).tobytes()
    drawn = driver.draw(alpha, beta, golden.KEY, lanes, _core.MAX_ATTEMPTS)
    assert drawn == dict.fromkeys(driver.levels, expected)
