"""All tests of this folder need a server."""

import pytest

from tests.featurestore.redis import servers


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def redis_is_installed() -> None:
    if servers.MISSING:
        pytest.skip(servers.MISSING)
