"""What several folders share: servers started once, and the profile of property tests.

Property tests draw the same examples in every ordinary run, and new ones in the long run.
"""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.featurestore.redis import servers

settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")


def pytest_configure() -> None:
    """Refuse to test what was compiled from an older source."""
    root = Path(__file__).parents[1]
    for package in ("bandit", "featurestore", "service"):
        for library in (root / package).rglob("*.so"):
            source = library.with_name(library.name.partition(".")[0] + ".py")
            made = library.stat().st_mtime
            sources = source, *_types(root, source)
            if not source.exists() or any(each.stat().st_mtime > made for each in sources):
                pytest.exit(f"{library} is older than its source: make setup, or make clean", 4)


def _types(root: Path, module: Path) -> Iterator[Path]:
    """Yield the types beside a module, and those that they are made of."""
    types = module.with_suffix(".pxd")
    if types.exists():
        yield types
        for name in re.findall(r"^from ([\w.]+) cimport", types.read_text(), re.MULTILINE):
            yield from _types(root, root / f"{name.replace('.', '/')}.py")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
async def lasting_loop(anyio_backend: str) -> AsyncIterator[str]:
    """Keep one event loop for all asynchronous tests.

    Of cancelled calls gRPC hears later, in whichever loop runs then, and hands that to the loop of
    the call, which must not be closed.
    """
    yield anyio_backend  # noqa: PT022  # a generator is what holds the loop


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server for all tests that take a prefix, or a database, of their own."""
    databases = ("--databases", "10000")
    with servers.server(tmp_path_factory.mktemp("shared-redis"), *databases) as made:
        yield made


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Cluster]:
    """A cluster for all tests that take a prefix of their own."""
    with servers.cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server of one test, which may break it."""
    with servers.server(tmp_path_factory.mktemp("redis")) as made:
        yield made
