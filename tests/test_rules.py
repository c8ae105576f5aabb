"""Rules of the source that no type checker knows."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What each package may import: of this project, and of others; the standard library is free
ARROWS = {
    "service": {"bandit", "featurestore", "idcolumn", "plainhttp", "betadist"}
    | {"click", "granian", "httptools", "numpy", "orjson", "prometheus_client", "starlette"}
    | {"uvloop"},
    "bandit": {"betadist"} | {"numba", "numpy", "scipy"},
    "featurestore": {"featuretable", "idcolumn"}
    | {"google", "grpc", "hiredis", "httpx", "lmdb", "numpy", "orjson", "pyarrow", "redis"},
    "loadtest": {"betadist", "featuretable", "idcolumn"}
    | {"cupy", "gevent", "httpx", "locust", "mkl_random", "numpy", "scipy", "torch", "uvloop"}
    | {"fastapi", "pydantic", "redis", "starlette", "uvicorn"},  # of a peer, in its own venv
    "ext/betadist": {"numpy"},
    "ext/featuretable": {"numpy"},
    "ext/idcolumn": {"numpy"},
    "ext/plainhttp": set(),
}
# ... and what one module may import beyond: the benchmark of a back end that lies in the decision
BEYOND = {"loadtest/top_k/cuda.py": {"bandit"}}
# ... but for the decision, which does no I/O and reads no clock
PURE = {"collections", "dataclasses", "enum", "functools", "hashlib", "math", "operator"}
PURE |= {"string", "typing"}
# ... and but for what drives a device: threads, memory, and a C library's fma
DEVICE = {"concurrent", "contextlib", "ctypes", "queue", "struct", "threading"}
DEVICE |= {"weakref"}

MAY_READ_ENVIRONMENT = {
    "service/config.py",
    "ext/betadist/_core.pyx",  # the level must be forced before any setting is read, for tests
}


def sources(folder: str, kind: str = "py") -> Iterator[Path]:
    yield from sorted((ROOT / folder).rglob(f"*.{kind}"))


def imported(path: Path) -> set[str]:
    """Return the first parts of the names of the modules that a Python source imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def allowed_to(path: Path, allowed: set[str]) -> set[str]:
    name = str(path.relative_to(ROOT))
    device = DEVICE if name.startswith("bandit/") and "cuda" in name else set()
    return allowed | device | BEYOND.get(name, set())


@pytest.mark.parametrize("package", ARROWS)
def test_packages_import_only_what_the_architecture_allows(package: str) -> None:
    allowed = ARROWS[package] | {package.rpartition("/")[2], "_core"}
    allowed |= PURE if package == "bandit" else set(sys.stdlib_module_names)
    found = {path.name: imported(path) - allowed_to(path, allowed) for path in sources(package)}
    assert found
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("package", [name for name in ARROWS if name.startswith("ext/")])
def test_extensions_import_no_package_of_this_project(package: str) -> None:
    pattern = re.compile(r"^\s*(?:from|c?import)\s+([a-z_]+)", re.MULTILINE)
    (core,) = sources(package, "pyx")
    assert set(pattern.findall(core.read_text())) <= {"cython", "cpython", "libc", "libcpp"} | {
        "numpy",
        "os",
        *(path.stem for path in sources(package, "pxd")),
        package.rpartition("/")[2],
    }


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for package in ARROWS
        for path in (*sources(package), *sources(package, "pyx"))
        if re.search(r"os\.environ|getenv", path.read_text())
    }
    assert readers == MAY_READ_ENVIRONMENT


def test_http_status_numbers_stand_in_one_module() -> None:
    statuses = {200, 400, 404, 405, 413, 415, 422, 429, 500, 503, 504}
    for path in sources("service"):
        numbers = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, int)
        }
        assert path.name == "errors.py" or not numbers & statuses


@pytest.mark.parametrize(
    "package",
    [
        "bandit",
        "featurestore",
        "featurestore.bulk",
        "featurestore.feast",
        "featurestore.vertex",
        "featurestore.redis",
        "betadist",
        "featuretable",
        "idcolumn",
    ],
)
def test_public_names_are_listed_and_exist(package: str) -> None:
    module = __import__(package, fromlist=["__all__"])
    assert module.__all__ == sorted(module.__all__, key=lambda n: (not n.isupper(), n))
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_package_but_the_load_suite_and_the_tests_is_installed() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "packages"
    ]
    there = {
        str(path.parent.relative_to(ROOT)).removeprefix("ext/").replace("/", ".")
        for package in ARROWS
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert set(declared) == {name for name in there if not name.startswith("loadtest")}


def test_a_source_distribution_has_what_a_build_takes(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"BANDIT_SERVE_EXTENSIONS": "0"},
        check=True,
    )
    listed = set((tmp_path / "bandit_serve.egg-info" / "SOURCES.txt").read_text().splitlines())
    taken = {
        str(path.relative_to(ROOT))
        for package in ARROWS.keys() - {"loadtest"}
        for kind in ("py", "pyi", "pyx", "pxd", "cpp", "hpp", "toml", "typed")
        for path in sources(package, kind)
    }
    assert taken | {"LICENSE", "README.md", "pyproject.toml", "setup.py"} <= listed


NATIVE = [p for kind in ("hpp", "cpp", "pyx", "pxd") for p in sources("ext", kind)]
NATIVE += [
    p for kind in ("hpp", "cpp") for folder in ("loadtest", "tests") for p in sources(folder, kind)
]


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: str(path.relative_to(ROOT)))
def test_native_lines_are_as_short_as_python_ones(path: Path) -> None:
    long = [
        number for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > 100
    ]
    assert long == []


PAGES = [p for folder in ("ext", "bandit") for p in (ROOT / folder).rglob("*.md")]
PAGES += ROOT.glob("*.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_the_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
