"""RedisTables: written, listed, read and added to, on one server and on a cluster."""

from collections.abc import Iterator

import numpy as np
import pytest
import redis

from featurestore import StoreCorrupt, StoreUnavailable
from featurestore.redis import RedisSettings, RedisTables
from tests.featurestore.redis import servers

FEATURES = ("alpha", "beta")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.server(tmp_path_factory.mktemp("redis")) as made:
        yield made


@pytest.fixture(params=["redis", "cluster"])
def settings(request: pytest.FixtureRequest) -> RedisSettings:
    """A prefix for each test, of glob characters, on a server of its own or in the cluster."""
    prefix = f"p[{request.node.name[:40].replace(':', '')}]*"
    if request.param == "redis":
        return RedisSettings(request.getfixturevalue("one").url, prefix=prefix)
    url = request.getfixturevalue("redis_cluster").url
    return RedisSettings(url, cluster=True, prefix=prefix)


def content(tables: RedisTables, entity_type: str = "article", batch: int = 700) -> dict:
    rows: dict = {}
    for ids, values in tables.scan(entity_type, batch):
        assert len(ids) <= batch
        assert not rows.keys() & set(ids.tolist())
        rows.update(zip(ids.tolist(), map(tuple, values.tolist()), strict=True))
    return rows


def test_what_is_written_is_scanned_and_counted(settings: RedisSettings) -> None:
    rows = {f"id{i}": (1.0 + i, 2.0) for i in range(2_500)} | {"nul\0é": (0.5, 0.25)}
    with RedisTables(settings) as tables:
        tables.write("article", list(rows), FEATURES, np.array(list(rows.values())))
        tables.write("other", ["a"], ("x",), np.ones((1, 1)))
        assert content(tables) == rows
        listed = tables.tables()
        assert list(listed) == ["article", "other"]
        assert listed["article"].features == FEATURES
        assert (listed["article"].rows, listed["other"].rows) == (2_501, 1)
        assert 2_501 * 16 < listed["article"].bytes < 2_501 * 1_000
        assert content(tables, "unknown") == content(tables, "a:b") == {}


def test_a_table_that_is_flushed_while_it_is_read_is_no_whole_one(one: servers.Server) -> None:
    with RedisTables(RedisSettings(one.url, prefix="flushed")) as tables:
        tables.write("t", [f"id{i}" for i in range(2_500)], ("a",), np.ones((2_500, 1)))
        batches = tables.scan("t", 100)
        next(batches)
        with redis.Redis.from_url(one.url) as client:
            client.flushall()
        with pytest.raises(StoreUnavailable, match="'t' was removed while it was read"):
            list(batches)
        assert content(tables, "t") == {}


def test_prefixes_are_apart_whatever_characters_they_have(settings: RedisSettings) -> None:
    with RedisTables(settings) as tables:
        tables.write("t", ["x"], ("a",), np.ones((1, 1)))
    other = settings.prefix.replace("*", "zz")
    similar = RedisSettings(settings.url, settings.cluster, prefix=other)
    with RedisTables(similar) as tables:
        tables.write("t", ["y"], ("a",), np.ones((1, 1)))
    with RedisTables(settings) as tables:
        assert content(tables, "t") == {"x": (1.0,)}


def test_an_entity_type_holds_no_colon(settings: RedisSettings) -> None:
    with RedisTables(settings) as tables:
        with pytest.raises(ValueError, match="must hold no ':'"):
            tables.write("a:b", ["x"], FEATURES, np.ones((1, 2)))
        with pytest.raises(ValueError, match="must hold no ':'"):
            tables.increment("a:b", ["x"], FEATURES, np.ones((1, 2)), (1.0, 1.0))
        assert tables.tables() == {}


def test_more_rows_than_a_script_takes_are_added_to(settings: RedisSettings) -> None:
    ids = [f"id{i}" for i in range(1_200)]
    with RedisTables(settings) as tables:
        tables.increment("article", ids, FEATURES, np.arange(2_400.0).reshape(-1, 2), (1.0, 1.0))
        rows = content(tables)
    assert rows == {f"id{i}": (1.0 + 2 * i, 2.0 + 2 * i) for i in range(1_200)}


def test_a_damaged_row_is_named_and_its_script_changes_nothing(one: servers.Server) -> None:
    settings = RedisSettings(one.url, prefix="damaged")
    with RedisTables(settings) as tables, one.client() as client:
        tables.write("article", ["a", "b b"], FEATURES, np.ones((2, 2)))
        client.set("damaged:article:b b", b"short")
        with pytest.raises(StoreCorrupt, match=r"the row of 'b b' has 5 bytes"):
            tables.increment("article", ["a", "b b"], FEATURES, np.ones((2, 2)), (1.0, 1.0))
        assert content(tables) == {"a": (1.0, 1.0)}


def test_a_server_that_is_down_is_unavailable(redis_server: servers.Server) -> None:
    with RedisTables(RedisSettings(redis_server.url)) as tables:
        tables.write("t", ["x"], ("a",), np.ones((1, 1)))
        redis_server.kill()
        with pytest.raises(StoreUnavailable, match="redis 127"):
            tables.increment("t", ["x"], ("a",), np.ones((1, 1)), (1.0,))
        with pytest.raises(StoreUnavailable):
            content(tables, "t")
        redis_server.start()
        tables.write("t", ["x"], ("a",), np.ones((1, 1)))
        assert content(tables, "t") == {"x": (1.0,)}
