"""One suite for every store whose tables can be listed and written."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from featurestore import FeaturesDiffer, LmdbStore, MemoryStore, StoreError, Tables
from featurestore.redis import RedisSettings, RedisTables
from idcolumn import IdColumn

AB = ("alpha", "beta")
BA = ("beta", "alpha")
ODD_IDS = [
    "nul\0inside",
    "nul\0",
    "\0",
    "a b",
    "a:b",
    "{a}b",
    "*",
    "é中\U0001f600",
    "\x7f\x01\r\n",
    "x" * 511,
    "中" * 170,
]
PRIOR = (2.0, 30.0)

ADDER = """
import sys
import numpy as np
{opening}
ids = ["shared" + str(i) for i in range(20)]
with store:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range({times}):
        amounts = np.tile((1.0, 2.0), (20, 1))
        store.increment("article", ids, ("alpha", "beta"), amounts, (2.0, 30.0))
"""


@dataclass(frozen=True)
class Place:
    """Where tables are.

    Attributes
    ----------
    open
        Gives the tables; once in a process.
    opening
        Lines of Python that bind `store` to them in another process; empty where none can.
    names
        Entity types that tables there may have.
    """

    open: Callable[[], Tables]
    opening: str = ""
    names: tuple[str, ...] = ("article", "a:b", "é \U0001f600")


def memory(_: pytest.FixtureRequest) -> Place:
    return Place(MemoryStore)


def embedded(request: pytest.FixtureRequest) -> Place:
    path = request.getfixturevalue("tmp_path") / "store"
    opening = (
        f"from featurestore import LmdbStore; from pathlib import Path\n"
        f"store = LmdbStore.open(Path({str(path)!r}), map_size_gib=1)"
    )
    return Place(lambda: LmdbStore.open(path, map_size_gib=1), opening)


def redis(request: pytest.FixtureRequest) -> Place:
    return redis_at(request.getfixturevalue("shared_redis").url, cluster=False)


def redis_cluster(request: pytest.FixtureRequest) -> Place:
    return redis_at(request.getfixturevalue("redis_cluster").url, cluster=True)


def redis_at(url: str, cluster: bool) -> Place:
    prefix = f"place{next(NUMBERS)}"
    opening = (
        f"from featurestore.redis import RedisSettings, RedisTables\n"
        f"store = RedisTables(RedisSettings({url!r}, {cluster}, prefix={prefix!r}))"
    )
    settings = RedisSettings(url, cluster, prefix=prefix)
    return Place(lambda: RedisTables(settings), opening, ("article", "é \U0001f600"))


NUMBERS = itertools.count()
# Another store joins with one function that makes an empty place in it.
PLACES: dict[str, Callable[[pytest.FixtureRequest], Place]] = {
    "memory": memory,
    "embedded": embedded,
    "redis": redis,
    "redis-cluster": redis_cluster,
}
SHARED = [name for name in PLACES if name != "memory"]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param](request)


@pytest.fixture
def store(place: Place):
    with place.open() as tables:
        yield tables


def rows_of(store: Tables, entity_type: str = "article") -> dict[str, list[float]]:
    rows: dict[str, list[float]] = {}
    for ids, values in store.scan(entity_type, batch=7):
        assert 0 < len(ids) <= 7
        assert values.dtype == np.float64
        rows.update(zip(ids.tolist(), values.tolist(), strict=True))
    return rows


def pairs(*rows: Sequence[float]) -> NDArray[np.float64]:
    return np.array(rows, np.float64).reshape(-1, 2)


def test_what_is_written_is_there(store: Tables) -> None:
    store.write("article", ["a", "b"], AB, pairs((1, 2), (3, 4)))
    store.write("video", IdColumn.from_list(["a"]), ("clicks",), np.array([[9.5]]))
    assert rows_of(store) == {"a": [1, 2], "b": [3, 4]}
    assert rows_of(store, "video") == {"a": [9.5]}


def test_tables_are_told_with_their_features_and_rows(store: Tables) -> None:
    assert store.tables() == {}
    store.write("article", ["a", "b"], AB, pairs((1, 2), (3, 4)))
    store.increment("video", ["a"], ("clicks",), np.array([[1.0]]), (0.5,))
    told = store.tables()
    assert {name: (info.features, info.rows) for name, info in told.items()} == {
        "article": (AB, 2),
        "video": (("clicks",), 1),
    }
    assert all(info.bytes > 0 for info in told.values())
    assert store.features() == {name: info.features for name, info in told.items()}


def test_rows_are_overwritten_and_the_last_of_an_id_stays(store: Tables) -> None:
    store.write("article", ["a", "b"], AB, pairs((1, 2), (3, 4)))
    store.write("article", ["b", "c", "b"], AB, pairs((5, 6), (7, 8), (9, 10)))
    assert rows_of(store) == {"a": [1, 2], "b": [9, 10], "c": [7, 8]}
    assert store.tables()["article"].rows == 3


def test_features_come_in_any_order(store: Tables) -> None:
    store.write("article", ["a"], AB, pairs((1, 2)))
    store.write("article", ["b"], BA, pairs((4, 3)))
    store.increment("article", ["a", "c"], BA, pairs((20, 10), (20, 10)), (0.5, 0.25))
    assert rows_of(store) == {"a": [11, 22], "b": [3, 4], "c": [10.25, 20.5]}
    assert store.tables()["article"].features == AB


def test_amounts_are_added_and_new_rows_begin_with_the_start(store: Tables) -> None:
    store.write("article", ["a", "b"], AB, pairs((1, 2), (3, 4)))
    store.increment("article", ["b", "new"], AB, pairs((1, 0.5), (0, 3)), PRIOR)
    store.increment("article", ["new"], AB, pairs((-1, 0)), (100, 100))
    assert rows_of(store) == {"a": [1, 2], "b": [4, 4.5], "new": [1, 33]}


def test_amounts_of_an_id_given_twice_add_up(store: Tables) -> None:
    ids = ["a", "b", "a", "new", "a", "new"]
    store.write("article", ["a", "b"], AB, pairs((1, 2), (3, 4)))
    store.increment("article", ids, AB, pairs(*((10.0**i, 1) for i in range(6))), PRIOR)
    assert rows_of(store) == {"a": [10102, 5], "b": [13, 5], "new": [101002, 32]}


def test_an_increment_makes_the_table(store: Tables) -> None:
    store.increment("article", IdColumn.from_list(["a"]), AB, pairs((1, 0)), PRIOR)
    assert rows_of(store) == {"a": [3, 30]}


def test_sums_are_those_of_float64(store: Tables) -> None:
    random = np.random.default_rng(8)
    before, amounts = random.gamma(0.3, 1e6, (2, 500, 2))
    ids = [f"id{i}" for i in range(500)]
    store.write("article", ids, AB, before)
    store.increment("article", ids[::-1], AB, amounts[::-1], PRIOR)
    rows = rows_of(store)
    np.testing.assert_array_equal([rows[id_] for id_ in ids], before + amounts)


def test_nothing_to_write_or_to_add_is_no_error(store: Tables) -> None:
    store.write("article", ["a"], AB, pairs((1, 2)))
    store.write("article", [], AB, pairs())
    store.increment("article", [], AB, pairs(), PRIOR)
    assert rows_of(store) == {"a": [1, 2]}


@pytest.mark.parametrize("features", [("alpha",), ("alpha", "gamma"), ("alpha", "beta", "gamma")])
def test_other_features_are_refused(store: Tables, features: tuple[str, ...]) -> None:
    store.write("article", ["a"], AB, pairs((1, 2)))
    ones = np.ones((2, len(features)))
    with pytest.raises(FeaturesDiffer, match="article"):
        store.write("article", ["a", "b"], features, ones)
    with pytest.raises(FeaturesDiffer, match="article"):
        store.increment("article", ["a", "b"], features, ones, ones[0].tolist())
    assert rows_of(store) == {"a": [1, 2]}


@pytest.mark.parametrize("shape", [(1, 2), (3, 2), (2, 1), (2, 3), (2,), (4,), (2, 2, 1)])
@pytest.mark.parametrize("features", [AB, BA])
def test_wrong_shapes_are_refused(
    store: Tables, shape: tuple[int, ...], features: tuple[str, ...]
) -> None:
    store.write("article", ["a"], AB, pairs((1, 2)))
    with pytest.raises(ValueError, match="values"):
        store.write("article", ["a", "b"], features, np.ones(shape))
    with pytest.raises(ValueError, match="amounts"):
        store.increment("article", ["a", "b"], features, np.ones(shape), PRIOR)
    assert rows_of(store) == {"a": [1, 2]}


@pytest.mark.parametrize("start", [(), (1.0,), (1.0, 2.0, 3.0)])
def test_a_start_has_as_many_numbers_as_there_are_features(
    store: Tables, start: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="start"):
        store.increment("article", ["a"], AB, pairs((1, 2)), start)
    assert store.tables() == {}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_named_and_nothing_is_added(
    store: Tables, bad: float
) -> None:
    store.write("article", ["a"], AB, pairs((1, 2)))
    with pytest.raises(ValueError, match=r"amounts\[1, 0\]"):
        store.increment("article", ["a", "b"], AB, pairs((1, 1), (bad, 1)), PRIOR)
    with pytest.raises(ValueError, match=r"start\[1\]"):
        store.increment("article", ["a", "b"], AB, pairs((1, 1), (1, 1)), (1.0, bad))
    assert rows_of(store) == {"a": [1, 2]}


@pytest.mark.parametrize("bad", ["", "x" * 512, "中" * 171])
def test_ids_that_no_store_holds_are_refused_and_nothing_is_written(
    store: Tables, bad: str
) -> None:
    store.write("article", ["a"], AB, pairs((1, 2)))
    with pytest.raises(ValueError, match=r"ids\[1\]"):
        store.write("article", ["a", bad], AB, pairs((3, 4), (5, 6)))
    with pytest.raises(ValueError, match=r"ids\[1\]"):
        store.increment("article", ["a", bad], AB, pairs((3, 4), (5, 6)), PRIOR)
    assert rows_of(store) == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("entity_type", "features"),
    [("", AB), ("n" * 201, AB), ("article", ()), ("article", ("alpha", "alpha"))],
)
def test_names_that_no_store_holds_are_refused(
    store: Tables, entity_type: str, features: tuple[str, ...]
) -> None:
    ones = np.ones((1, len(features)))
    with pytest.raises(ValueError, match=r"entity_type|features"):
        store.write(entity_type, ["a"], features, ones)
    with pytest.raises(ValueError, match=r"entity_type|features"):
        store.increment(entity_type, ["a"], features, ones, ones[0].tolist())
    assert store.tables() == {}


def test_odd_ids_and_names_are_kept_apart(place: Place, store: Tables) -> None:
    values = pairs(*((i + 1.0, 0.5) for i in range(len(ODD_IDS))))
    for entity_type in place.names:
        store.write(entity_type, ODD_IDS, AB, values)
        store.increment(entity_type, ODD_IDS, AB, values, PRIOR)
        wanted = dict(zip(ODD_IDS, (2 * values).tolist(), strict=True))
        assert rows_of(store, entity_type) == wanted


def test_a_scan_gives_every_row_once(store: Tables) -> None:
    ids = [f"id{i}" for i in range(25_000)]
    values = np.random.default_rng(2).random((25_000, 2))
    store.write("article", ids, AB, values)
    store.write("other", ["z"], AB, pairs((1, 2)))
    scanned = list(store.scan("article"))
    assert max(len(column) for column, _ in scanned) <= 10_000
    names = [id_ for column, _ in scanned for id_ in column.tolist()]
    assert sorted(names) == sorted(ids)
    rows = dict(zip(names, np.concatenate([part for _, part in scanned]), strict=True))
    np.testing.assert_array_equal([rows[id_] for id_ in ids], values)


@pytest.mark.parametrize("entity_type", ["nobody", "artic", "article2", "*"])
def test_an_unknown_table_has_no_rows(store: Tables, entity_type: str) -> None:
    store.write("article", ["a"], AB, pairs((1, 2)))
    assert list(store.scan(entity_type)) == []
    assert list(store.tables()) == ["article"]


def test_increments_of_many_threads_lose_nothing(store: Tables) -> None:
    ids = [f"id{i}" for i in range(10)]

    def add(_: int) -> None:
        store.increment("article", ids, AB, np.tile((1.0, 2.0), (10, 1)), PRIOR)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(100)))
    assert rows_of(store) == {id_: [102, 230] for id_ in ids}


@pytest.mark.parametrize("place", SHARED, indirect=True)
def test_increments_of_many_processes_lose_nothing(place: Place) -> None:
    script = ADDER.format(opening=place.opening, times=50)
    adders = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for adder in adders:
        assert adder.stdout is not None
        assert adder.stdout.readline() == "ready\n"
    for adder in adders:
        assert adder.communicate("go\n", 60) == ("", None)
        assert adder.returncode == 0
    with place.open() as store:
        assert rows_of(store) == {f"shared{i}": [152, 330] for i in range(20)}


@pytest.mark.parametrize("place", SHARED, indirect=True)
def test_what_was_written_and_added_outlives_the_store(place: Place) -> None:
    with place.open() as store:
        store.write("article", ["a"], AB, pairs((1, 2)))
        store.increment("article", ["a", "b"], AB, pairs((1, 1), (1, 1)), PRIOR)
    with place.open() as store:
        assert rows_of(store) == {"a": [2, 3], "b": [3, 31]}
        assert store.tables()["article"].features == AB


@pytest.mark.parametrize("place", SHARED, indirect=True)
def test_a_closed_store_says_so(place: Place) -> None:
    with place.open() as store:
        store.write("article", ["a"], AB, pairs((1, 2)))
    with pytest.raises(StoreError):
        store.increment("article", ["a"], AB, pairs((1, 1)), PRIOR)
