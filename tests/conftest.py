"""What several folders share: servers started once, and the profile of property tests.

Property tests draw the same examples in every ordinary run, and new ones in the long run.
"""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.featurestore.redis import servers

settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server for all tests that take a prefix, or a database, of their own."""
    if servers.MISSING:
        pytest.skip(servers.MISSING)
    databases = ("--databases", "10000")
    with servers.server(tmp_path_factory.mktemp("shared-redis"), *databases) as made:
        yield made


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Cluster]:
    """A cluster for all tests that take a prefix of their own."""
    if servers.MISSING:
        pytest.skip(servers.MISSING)
    with servers.cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made
