"""RedisTables: written, listed, read and added to, on one server and on a cluster."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from featurestore import FeaturesDiffer, StoreCorrupt, StoreUnavailable
from featurestore.redis import RedisSettings, RedisTables
from tests.featurestore.redis import servers

FEATURES = ("alpha", "beta")
ROOT = Path(__file__).parents[3]


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


def test_prefixes_are_apart_whatever_characters_they_have(settings: RedisSettings) -> None:
    with RedisTables(settings) as tables:
        tables.write("t", ["x"], ("a",), np.ones((1, 1)))
    other = settings.prefix.replace("*", "zz")
    similar = RedisSettings(settings.url, settings.cluster, prefix=other)
    with RedisTables(similar) as tables:
        tables.write("t", ["y"], ("a",), np.ones((1, 1)))
    with RedisTables(settings) as tables:
        assert content(tables, "t") == {"x": (1.0,)}


def test_columns_go_by_name_and_the_last_row_of_an_id_stays(settings: RedisSettings) -> None:
    with RedisTables(settings) as tables:
        tables.write("article", ["x"], FEATURES, np.array([[1.0, 2.0]]))
        tables.write("article", ["x", "x"], FEATURES[::-1], np.array([[3.0, 4.0], [5.0, 6.0]]))
        assert content(tables) == {"x": (6.0, 5.0)}
        with pytest.raises(FeaturesDiffer, match="'article' has alpha, beta"):
            tables.write("article", ["x"], ("alpha",), np.ones((1, 1)))
        assert content(tables) == {"x": (6.0, 5.0)}


def test_what_is_wrong_is_said_and_nothing_written(settings: RedisSettings) -> None:
    one_row = np.ones((1, 2))
    with RedisTables(settings) as tables:
        for wrong in (("a:b", ["x"]), ("", ["x"]), ("t", [""]), ("t", ["z" * 512])):
            with pytest.raises(ValueError, match=r"entity_type|ids"):
                tables.write(*wrong, FEATURES, one_row)
        with pytest.raises(ValueError, match="shape"):
            tables.write("t", ["x", "y"], FEATURES, one_row)
        for amounts, start in ((one_row * np.nan, (1, 1)), (one_row, (1,)), (one_row, (1, np.inf))):
            with pytest.raises(ValueError, match=r"amounts|start"):
                tables.increment("t", ["x"], FEATURES, amounts, start)
        assert tables.tables() == {}


def test_increments_begin_at_start_and_add_up(settings: RedisSettings) -> None:
    with RedisTables(settings) as tables:
        tables.write("article", ["x"], FEATURES, np.array([[10.0, 20.0]]))
        amounts = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [0.5, -0.25]])
        tables.increment("article", ["x", "new", "x", "new"], FEATURES[::-1], amounts, (30.0, 2.0))
        assert content(tables) == {"x": (10.0 + 8.0, 20.0 + 6.0), "new": (5.75, 33.5)}
        many = [f"id{i}" for i in range(1_200)]
        tables.increment("article", many, FEATURES, np.arange(2_400.0).reshape(-1, 2), (1.0, 1.0))
        rows = content(tables)
        assert all(rows[f"id{i}"] == (1.0 + 2 * i, 2.0 + 2 * i) for i in range(1_200))


def test_a_damaged_row_is_named_and_its_script_changes_nothing(one: servers.Server) -> None:
    settings = RedisSettings(one.url, prefix="damaged")
    with RedisTables(settings) as tables, one.client() as client:
        tables.write("article", ["a", "b b"], FEATURES, np.ones((2, 2)))
        client.set("damaged:article:b b", b"short")
        with pytest.raises(StoreCorrupt, match=r"the row of 'b b' has 5 bytes"):
            tables.increment("article", ["a", "b b"], FEATURES, np.ones((2, 2)), (1.0, 1.0))
        assert content(tables) == {"a": (1.0, 1.0)}


WORKER = """
import sys
import numpy as np
from featurestore.redis import RedisSettings, RedisTables
with RedisTables(RedisSettings(sys.argv[1], sys.argv[2] == "1", prefix="counts")) as tables:
    for _ in range(250):
        tables.increment("t", ["x", "y", "x"], ("a",), np.ones((3, 1)), (0.5,))
"""


@pytest.mark.parametrize("many", [False, True], ids=["redis", "cluster"])
def test_increments_of_several_processes_lose_nothing(
    many: bool, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("redis_cluster" if many else "one").url
    command = [sys.executable, "-c", WORKER, url, str(int(many))]
    workers = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [worker.wait(100) for worker in workers] == [0] * 4
    with RedisTables(RedisSettings(url, many, prefix="counts")) as tables:
        assert content(tables, "t") == {"x": (2_000.5,), "y": (1_000.5,)}


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
