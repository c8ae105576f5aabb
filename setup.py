"""Builds the three C++ extensions; everything else is declared in pyproject.toml.

Switches, from the environment:
    BANDIT_SERVE_DEBUG=1                     -O0 -g with C++ assertions
    BANDIT_SERVE_SANITIZE=address,undefined  sanitizers (preload the runtime when Python starts)
    BANDIT_SERVE_COVERAGE=1                  gcov counters
"""

import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("BANDIT_SERVE_DEBUG") == "1"
COVERAGE = os.environ.get("BANDIT_SERVE_COVERAGE") == "1"
SANITIZE = os.environ.get("BANDIT_SERVE_SANITIZE", "")

# -ffp-contract=off: the sampler's draws are part of its promise, so the compiler may not fuse a
# multiply and an add that the source keeps apart. -fno-math-errno only lets sqrt be inlined,
# -fno-trapping-math only lets both sides of a choice be computed; no result hangs on them.
compile_args = ["-std=c++20", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
compile_args += ["-fvisibility=hidden", "-pthread", "-Wall", "-Wextra"]
compile_args += ["-O0", "-g", "-D_GLIBCXX_ASSERTIONS"] if DEBUG else ["-O3", "-g1"]
link_args = ["-pthread"]
if SANITIZE:
    flags = [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    compile_args += flags
    link_args += flags
if COVERAGE:
    compile_args += ["--coverage"]
    link_args += ["--coverage"]


def extension(name: str) -> Extension:
    """Return the extension `name._core` from every C++ file of ext/`name`."""
    folder = Path("ext") / name
    return Extension(
        f"{name}._core",
        sources=[str(folder / "_core.pyx"), *map(str, sorted(folder.glob("*.cpp")))],
        depends=[*map(str, folder.glob("*.hpp")), *map(str, folder.glob("*.pxd"))],
        include_dirs=[str(folder), np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
        language="c++",
    )


setup(
    ext_modules=cythonize(
        [extension(name) for name in ("betadist", "featuretable", "idcolumn")],
        build_dir="build/cython",
        language_level=3,
        compiler_directives={"freethreading_compatible": False, "embedsignature": True},
    ),
    # one folder of objects for the editable installation and for rebuilds
    options={"build_ext": {"build_temp": "build/temp", "parallel": True}},
)
