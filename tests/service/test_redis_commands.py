"""Data commands on a real Redis: load in all its modes, export, stats and copy --ids."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from featurestore import LmdbStore, Tables
from featurestore.redis import RedisSettings, RedisTables
from service.data import copy, export, load, stats
from tests.featurestore.redis import servers

AB = ("alpha", "beta")
POSTERIORS = "id,alpha,beta\na,1,2\nb,3,4\na,5,6\n"
COUNTS = "id,successes,trials\na,1,4\nnew,0,2\na,2,2\n"
EVENTS = "id,reward\nnew,1\na,0\na,1\na,1\n"
NUMBERS = itertools.count()

Rows = dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Place:
    """What `--store` says, how outputs name it, and the settings behind it."""

    option: str
    name: str
    settings: RedisSettings

    def open(self) -> Tables:
        return RedisTables(self.settings)

    def rows(self, entity_type: str = "content") -> Rows:
        found: Rows = {}
        with self.open() as tables:
            for ids, values in tables.scan(entity_type):
                found.update(zip(ids.tolist(), map(tuple, values.tolist()), strict=True))
        return found

    def load(self, text: str, *options: object) -> Result:
        arguments = ["-", "--store", self.option, *options]
        return CliRunner().invoke(load, list(map(str, arguments)), input=text)


@pytest.fixture(params=["url", "configured cluster"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A Redis without tables under the prefix of the configuration."""
    prefix = f"commands{next(NUMBERS)}"
    monkeypatch.setenv("BANDIT_SERVE_REDIS_PREFIX", prefix)
    if request.param == "url":
        url = request.getfixturevalue("shared_redis").url
        return Place(url, url, RedisSettings(url, prefix=prefix))
    url = request.getfixturevalue("redis_cluster").url
    monkeypatch.setenv("BANDIT_SERVE_REDIS_URL", url)
    monkeypatch.setenv("BANDIT_SERVE_REDIS_CLUSTER", "true")
    return Place("redis", url, RedisSettings(url, cluster=True, prefix=prefix))


def invoke(command, *arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)))


def last_line(result: Result) -> str:
    return result.stdout.splitlines()[-1]


def filled(place: Place, rows: Rows, features: Sequence[str] = AB) -> None:
    with place.open() as tables:
        tables.write("content", list(rows), tuple(features), np.array(list(rows.values())))


@pytest.mark.parametrize("batch", [1, 50_000])
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (POSTERIORS, {"a": (5, 6), "b": (3, 4)}),
        (COUNTS, {"a": (4, 8), "new": (2, 10)}),
        (EVENTS, {"a": (4, 9), "new": (3, 8)}),
    ],
)
def test_every_form_is_loaded(place: Place, text: str, rows: Rows, batch: int) -> None:
    filled(place, {"a": (50, 60), "other": (7, 8)})
    result = place.load(text, "--prior", "2,8", "--batch", batch)
    assert result.exit_code == 0
    assert last_line(result) == f'"content" in {place.name} has them now'
    assert place.rows() == rows | {"other": (7, 8)}


@pytest.mark.parametrize("batch", [1, 50_000])
@pytest.mark.parametrize(
    ("text", "rows"),
    [(COUNTS, {"a": (13, 23), "new": (2, 10)}), (EVENTS, {"a": (12, 21), "new": (3, 8)})],
)
def test_counts_and_events_are_added(place: Place, text: str, rows: Rows, batch: int) -> None:
    filled(place, {"a": (10, 20), "other": (7, 8)})
    result = place.load(text, "--mode", "add", "--prior", "2,8", "--batch", batch)
    assert result.exit_code == 0
    assert last_line(result) == f'"content" in {place.name} has them now'
    assert place.rows() == rows | {"other": (7, 8)}


def test_posteriors_are_not_added_and_nothing_is_replaced(place: Place) -> None:
    filled(place, {"a": (10, 20)})
    for text, mode, said in (
        (POSTERIORS, "add", "--mode add takes counts or events"),
        (POSTERIORS, "replace", "--mode replace is for the embedded store"),
        (COUNTS, "replace", "--mode replace is for the embedded store"),
    ):
        result = place.load(text, "--mode", mode)
        assert result.exit_code == 2
        assert said in result.stderr
    assert place.rows() == {"a": (10, 20)}


def test_bad_rows_are_left_out_and_a_strict_load_takes_none(place: Place) -> None:
    text = "id,alpha,beta\na,1,2\nb,0,1\n"
    assert place.load("id,alpha,beta\nb,0,1\n").stdout.count("has them now") == 0
    assert place.load(text).exit_code == 1
    assert place.rows() == {"a": (1, 2)}
    assert place.load("id,reward\na,1\na,7\n", "--strict").exit_code == 1
    assert place.rows() == {"a": (1, 2)}


def test_a_table_with_other_features_is_not_loaded(place: Place) -> None:
    filled(place, {"a": (1, 2, 3)}, (*AB, "price"))
    result = place.load(POSTERIORS)
    assert result.exit_code == 2
    assert "features is alpha, beta; 'content' has alpha, beta, price" in result.stderr
    assert place.rows() == {"a": (1, 2, 3)}


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_what_is_exported_loads_again(place: Place, tmp_path: Path, name: str) -> None:
    random = np.random.default_rng(3)
    rows = {f"id{i}": tuple(row) for i, row in enumerate(random.gamma(0.3, 1e6, (2_500, 2)))}
    filled(place, rows)
    result = invoke(export, tmp_path / name, "--store", place.option)
    assert result.exit_code == 0
    assert result.stderr == f'2,500 rows of "content" written to {tmp_path / name}\n'
    loading = invoke(load, tmp_path / name, "--store", place.option, "--entity-type", "again")
    assert loading.exit_code == 0
    assert place.rows("again") == rows
    missing = invoke(export, tmp_path / name, "--store", place.option, "--entity-type", "x")
    assert (missing.exit_code, "there are: again, content" in missing.stderr) == (2, True)


def test_stats_sum_up_the_posteriors(place: Place) -> None:
    filled(place, {f"id{i}": (1.0, 3.0) for i in range(300)})
    with place.open() as tables:
        tables.write("prices", ["a"], ("price",), np.ones((1, 1)))
    result = invoke(stats, "--store", place.option)
    assert result.exit_code == 0
    assert '"content": 300 rows of alpha, beta; ' in result.stdout
    assert '"prices": 1 rows of price; ' in result.stdout
    told = json.loads(invoke(stats, "--store", place.option, "--json").stdout)["entity_types"]
    assert told["content"]["rows"] == 300
    assert told["content"]["posterior"] is not None
    assert told["prices"]["posterior"] is None


def test_rows_of_listed_ids_are_copied(place: Place, tmp_path: Path) -> None:
    rows = {f"id{i}": (1.0 + i, 2.0 + i, 3.0 + i) for i in range(2_500)}
    filled(place, rows | {"bad": (1.0, np.nan, 2.0)}, (*AB, "clicks"))
    (tmp_path / "ids.txt").write_text("\n".join([*rows, "unknown", "bad"]))
    route = ["--from", place.option, "--to", tmp_path / "target", "--entity-type", "content"]
    result = invoke(copy, *route, "--ids", tmp_path / "ids.txt", "--feature", "clicks")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f'2,501 rows of "content" copied, 2,501 are in {tmp_path / "target"} now',
        "1 of 2,502 ids were not found, 0 of them for unusable values",
    ]
    with LmdbStore.open(tmp_path / "target") as store:
        ((ids, values),) = store.scan("content")
    wanted = {id_: row[2:] for id_, row in rows.items()} | {"bad": (2.0,)}
    assert dict(zip(ids.tolist(), map(tuple, values.tolist()), strict=True)) == wanted


@pytest.mark.parametrize("mode", ["upsert", "add"])
def test_what_redis_can_not_hold_is_one_line(place: Place, mode: str) -> None:
    result = place.load(COUNTS, "--entity-type", "a:b", "--mode", mode)
    assert result.exit_code == 2
    verb = "written" if mode == "upsert" else "added"
    assert result.stderr == (
        "Error: entity_type is 'a:b', must hold no ':' in Redis\n"
        f"0 rows were {verb} before that, in 0 batches\n"
    )


def test_a_server_that_can_not_be_entered_has_had_nothing_written(
    redis_server: servers.Server,
) -> None:
    for url in (f"{redis_server.url}/99", redis_server.url.replace("//", "//u:wrong@")):
        place = Place(url, "", RedisSettings(url))
        result = place.load(COUNTS, "--mode", "add")
        assert result.exit_code == 2
        assert f"redis 127.0.0.1:{redis_server.port}: " in result.stderr
        assert result.stderr.splitlines()[1:] == ["nothing was written"]


def test_a_server_that_is_down_is_named(
    redis_server: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server.kill()
    (tmp_path / "ids.txt").write_text("a\n")
    place = Place(redis_server.url, "", RedisSettings(redis_server.url))
    ids = ["--ids", tmp_path / "ids.txt", "--entity-type", "content"]
    for result in (
        place.load(POSTERIORS),
        place.load(COUNTS, "--mode", "add"),
        invoke(stats, "--store", place.option),
        invoke(export, tmp_path / "out.csv", "--store", place.option),
        invoke(copy, "--from", place.option, "--to", tmp_path / "store"),
    ):
        assert result.exit_code == 2
        assert f"redis 127.0.0.1:{redis_server.port}: " in result.stderr
        assert "Traceback" not in result.output
    assert not (tmp_path / "out.csv").exists()
    result = invoke(copy, "--from", place.option, "--to", tmp_path / "store", *ids)
    assert result.exit_code == 2
    assert "1 of 1 rows could not be had as the store failed" in result.stderr
    monkeypatch.setenv("BANDIT_SERVE_REDIS_STALL_S", "-1")
    assert "redis.stall_s is -1" in place.load(POSTERIORS).stderr
