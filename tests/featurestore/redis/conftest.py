"""A server of one test, which may break it."""

from collections.abc import Iterator

import pytest

from tests.featurestore.redis import servers


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def redis_is_installed() -> None:
    if servers.MISSING:
        pytest.skip(servers.MISSING)


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.server(tmp_path_factory.mktemp("redis")) as made:
        yield made
