"""Builds the four C++ extensions and compiles the request path; pyproject.toml declares the rest.

Switches, from the environment:
    BANDIT_SERVE_PURE=1                      the request path is left to the interpreter
    BANDIT_SERVE_DEBUG=1                     -O0 -g with C++ assertions
    BANDIT_SERVE_SANITIZE=address,undefined  sanitizers (preload the runtime when Python starts)
    BANDIT_SERVE_COVERAGE=1                  gcov counters
    BANDIT_SERVE_EXTENSIONS=0                none, for an editable installation beside built ones
"""

import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("BANDIT_SERVE_DEBUG") == "1"
COVERAGE = os.environ.get("BANDIT_SERVE_COVERAGE") == "1"
EXTENSIONS = os.environ.get("BANDIT_SERVE_EXTENSIONS") != "0"
SANITIZE = os.environ.get("BANDIT_SERVE_SANITIZE", "")
PURE = os.environ.get("BANDIT_SERVE_PURE") == "1"

# What every request passes through, compiled as it is. A .pxd beside a module gives the attributes
# of its classes types: to look one up by its name takes some 30 ns.
REQUEST_PATH = {
    "bandit": "crossovers dispatch keying model policy posterior ranking sampler",
    "featurestore": "batch breaker chunk chunked counts failurelog gathering hot latency line "
    "measurement resident tier",
    "featurestore/redis": "connection link node protocol replies schema servers store",
    "service": "admission body counts entrance features json_codec lifecycle media predict "
    "reply request shed stages trace watch wire",
    "service/http": "connection exchange head turns",
    "service/oip": "answer codec ids lookup request",
    "service/sampling": "counts",
}

# -ffp-contract=off: the sampler's draws are part of its promise, so the compiler may not fuse a
# multiply and an add that the source keeps apart. -fno-math-errno only lets sqrt be inlined.
compile_args = ["-std=c++20", "-ffp-contract=off", "-fno-math-errno", "-pthread"]
compile_args += ["-Wall", "-Wextra"]
compile_args += ["-O0", "-g", "-D_GLIBCXX_ASSERTIONS"] if DEBUG else ["-O3", "-g1"]
link_args = ["-pthread"]
if SANITIZE:
    flags = [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    compile_args += flags
    link_args += flags
if COVERAGE:
    compile_args += ["--coverage"]
    link_args += ["--coverage"]


# Lets both sides of a choice be computed, so that loops over scores become vector code.
VECTORISED = {"idcolumn": ["-fno-trapping-math"]}


def extension(name: str) -> Extension:
    """Return the extension `name._core` from every C++ file of ext/`name`."""
    folder = Path("ext") / name
    return Extension(
        f"{name}._core",
        sources=[str(folder / "_core.pyx"), *map(str, sorted(folder.glob("*.cpp")))],
        depends=[*map(str, folder.glob("*.hpp")), *map(str, folder.glob("*.pxd"))],
        include_dirs=[str(folder), np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=compile_args + VECTORISED.get(name, []),
        extra_link_args=link_args,
        language="c++",
    )


def compiled() -> list[Extension]:
    """Return the modules of the request path, each to lie beside its source."""
    flags = ["-O2", "-g0", "-w"]  # -O3 takes half as long again and gains nothing
    paths = [f"{folder}/{name}" for folder, names in REQUEST_PATH.items() for name in names.split()]
    return [
        Extension(path.replace("/", "."), [f"{path}.py"], extra_compile_args=flags)
        for path in paths
    ]


def modules() -> list[Extension]:
    """Return what is to be built, as C and C++."""
    native = [extension(name) for name in ("betadist", "featuretable", "idcolumn", "plainhttp")]
    options = {"build_dir": "build/cython", "language_level": 3, "quiet": True}
    made: list[Extension] = cythonize(
        native,
        compiler_directives={"freethreading_compatible": False, "embedsignature": True},
        **options,
    )
    if not PURE:  # annotations promise a type there, they don't convert to it, unless one says so
        plain = {"annotation_typing": False, "auto_pickle": False}
        made += cythonize(compiled(), compiler_directives=plain, **options)
    return made


setup(
    ext_modules=modules() if EXTENSIONS else [],
    # one folder of objects for the editable installation and for rebuilds
    options={"build_ext": {"build_temp": "build/temp", "parallel": True}},
)
