"""Runs the sampler's tests against mutants of its kernel: every mutant must fail some.

python -m tests.ext.betadist.mutants [--only PATTERN] [--table FILE]

A mutant is a copy of the package with one change, built for the portable level alone (the others'
object files stay those of the sources) and put first on the path. The tests that compare with
pinned draws or with another build are left out, as they fail after any change.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension

from tests.ext.betadist.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "ext" / "betadist"
TESTS = [
    f"test_betadist_{name}.py"
    for name in ("reference", "acceptance", "sampling", "statistics", "validation", "top_k")
]
LEFT_OUT = "notice or table or forced"
OTHER_LEVELS = ("avx", "neon")
FLAGS = ["-std=c++20", "-O1", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-pthread"]
HEAD = """# What the sampler's tests catch

Written by `make test-mutations`: each of {count} one-line mistakes in the kernel, how many tests
fail with it, and which. Tests that any change fails, those of pinned draws, are left out.

| mutation | failed | tests |
|---|---|---|
"""
CHILD = """
import sys, pytest
from betadist import _core
assert _core.__file__.startswith(sys.argv[1]), f"{_core.__file__} is not the mutant"
sys.exit(pytest.main(sys.argv[2:]))
"""


class Outcome(NamedTuple):
    """How many tests of each name a mutant failed."""

    name: str
    failed: Counter[str]


def mutate(mutation: Mutation, folder: Path) -> None:
    path = folder / mutation.file
    text = path.read_text()
    if text.count(mutation.before) != 1:
        raise ValueError(
            f"{mutation.before!r} occurs {text.count(mutation.before)} times in {path.name}"
        )
    path.write_text(text.replace(mutation.before, mutation.after))


def depends(source: Path, on: str) -> bool:
    """Whether a file has that name or includes one of that name, directly or not."""
    found = re.findall(r'#include "(.*?)"', source.read_text())
    included = [path for name in found if (path := source.parent / name).exists()]
    return source.name == on or any(depends(path, on) for path in included)


def portable(folder: Path, using: str) -> list[Path]:
    """Return the translation units of the portable build that use a file."""
    units = (unit for unit in folder.glob("*.cpp") if not unit.name.startswith(OTHER_LEVELS))
    return [unit for unit in units if depends(unit, using)]


class Workshop:
    """A folder with a built copy of the package, to make mutants from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.original = folder / "original" / "betadist"
        shutil.copytree(
            SOURCES, self.original, ignore=shutil.ignore_patterns("*.so", "__pycache__")
        )
        extension = Extension("betadist._core", [str(self.original / "_core.pyx")])
        options = {"include_path": [str(self.original.parent)], "language_level": 3, "quiet": True}
        extension.language = "c++"
        cythonize([extension], **options)
        self.build(self.original, self.original.glob("*.cpp"))

    def build(self, package: Path, sources: Iterable[Path]) -> None:
        """Compile the sources and link them with the other objects of the package."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compile_one, sources))
        objects = map(str, package.glob("*.o"))
        target = package / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
        call(compiler(), "-shared", "-pthread", *objects, "-o", str(target))

    def mutant(self, mutation: Mutation) -> Path:
        package = self.folder / mutation.name.replace(" ", "-") / "betadist"
        shutil.copytree(self.original, package)
        mutate(mutation, package)
        self.build(package, portable(package, mutation.file))
        return package


def compiler() -> str:
    return os.environ.get("CXX", "c++")


def call(*command: str) -> None:
    subprocess.run(command, check=True)


def compile_one(source: Path) -> None:
    folders = [source.parent, np.get_include(), sysconfig.get_path("include")]
    include = [f"-I{folder}" for folder in folders]
    macro = "-DNPY_NO_DEPRECATED_API=NPY_1_7_API_VERSION"
    call(
        compiler(), *FLAGS, macro, *include, "-c", str(source), "-o", str(source.with_suffix(".o"))
    )


def failures(package: Path) -> Counter[str]:
    """Run the tests against a package; return how often each test function failed."""
    environment = os.environ | {"BETADIST_SIMD": "scalar", "PYTHONPATH": str(package.parent)}
    tests = [str(Path(__file__).parent / name) for name in TESTS]
    options = ["-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", "-k", f"not ({LEFT_OUT})"]
    command = [sys.executable, "-c", CHILD, str(package), *options, *tests]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout + done.stderr)
    return Counter(re.findall(r"^(?:FAILED|ERROR) \S+?::(\w+)", done.stdout, re.MULTILINE))


def named(failed: Counter[str]) -> str:
    """The tests that failed, and how often."""
    return ", ".join(f"{test} {count}" for test, count in failed.most_common()) or "SURVIVES"


def table(outcomes: list[Outcome]) -> str:
    rows = (f"| {name} | {failed.total()} | {named(failed)} |" for name, failed in outcomes)
    return HEAD.format(count=len(outcomes)) + "\n".join(rows) + "\n"


def run(mutations: list[Mutation]) -> list[Outcome]:
    """Test as many mutants at once as there are processors."""

    def outcome(mutation: Mutation) -> Outcome:
        found = Outcome(mutation.name, failures(workshop.mutant(mutation)))
        print(f"{mutation.name}: {named(found.failed)}", flush=True)
        return found

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        workshop = Workshop(Path(folder))
        if wrong := failures(workshop.original):
            raise RuntimeError(f"without a mutation {named(wrong)}")
        return list(pool.map(outcome, mutations))


def main() -> int:
    parser = argparse.ArgumentParser(description="Test the sampler's tests on mutants.")
    parser.add_argument("--only", default="", help="pattern of the names of the mutations to run")
    parser.add_argument("--table", type=Path, help="file that takes the table of the results")
    chosen = parser.parse_args()
    outcomes = run([mutation for mutation in MUTATIONS if re.search(chosen.only, mutation.name)])
    if chosen.table:
        chosen.table.write_text(table(outcomes))
    caught = [outcome for outcome in outcomes if outcome.failed]
    print(f"{len(caught)} of {len(outcomes)} mutants are caught")
    return 0 if len(caught) == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
