"""Rules of the source that no type checker knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# package -> what of this project it may import
ARROWS = {
    "service": {"bandit", "featurestore", "idcolumn", "betadist"},
    "bandit": {"betadist"},
    "featurestore": {"featuretable", "idcolumn"},
    "loadtest": set(),
    "ext/betadist": set(),
    "ext/featuretable": set(),
    "ext/idcolumn": set(),
}
OURS = {"service", "bandit", "featurestore", "loadtest", "betadist", "featuretable", "idcolumn"}
MAY_READ_ENVIRONMENT = {
    "service/config.py",
    "setup.py",
    # the sampler's level must be forced before any setting is read, for its tests
    "ext/betadist/_core.pyx",
}


def sources(folder: str) -> Iterator[Path]:
    yield from sorted((ROOT / folder).rglob("*.py"))
    yield from sorted((ROOT / folder).rglob("*.pyx"))


def imported(path: Path) -> set[str]:
    pattern = re.compile(r"^\s*(?:from|c?import)\s+([a-z_]+)", re.MULTILINE)
    return set(pattern.findall(path.read_text()))


@pytest.mark.parametrize("package", ARROWS)
def test_packages_import_only_what_the_architecture_allows(package: str) -> None:
    name = package.rpartition("/")[2]
    found = {path.name: imported(path) & OURS - {name} for path in sources(package)}
    assert found
    wrong = {path: names - ARROWS[package] for path, names in found.items()}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for package in ARROWS
        for path in sources(package)
        if re.search(r"os\.environ|getenv", path.read_text())
    }
    assert "service/config.py" in readers
    assert readers <= MAY_READ_ENVIRONMENT


def test_http_status_numbers_stand_in_one_module() -> None:
    for path in sources("service"):
        numbers = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, int)
        }
        statuses = {200, 400, 404, 405, 413, 415, 422, 429, 500, 503, 504}
        assert path.name == "errors.py" or not numbers & statuses


@pytest.mark.parametrize(
    "package", ["bandit", "featurestore", "betadist", "featuretable", "idcolumn"]
)
def test_public_names_are_listed_and_exist(package: str) -> None:
    module = __import__(package)
    assert module.__all__ == sorted(module.__all__, key=lambda n: (not n.isupper(), n))
    assert all(hasattr(module, name) for name in module.__all__)
