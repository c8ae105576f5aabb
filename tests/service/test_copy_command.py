"""The command `copy` between real stores."""

import itertools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from featurestore import LmdbStore, Tables
from featurestore.redis import RedisSettings, RedisTables
from service.data import copy
from tests.featurestore.redis import servers

AB = ("alpha", "beta")

Contents = dict[str, dict[str, tuple[float, ...]]]


@dataclass(frozen=True)
class Place:
    """A store: what `--from` and `--to` call it, and a way to open it in the test.

    Attributes
    ----------
    name
        A folder or a URL.
    open
        Gives the tables.
    counts
        Whether a copy into it says how many rows are there then.
    """

    name: str
    open: Callable[[], Tables]
    counts: bool

    def copied(self, entity_type: str, rows: int, there: int) -> str:
        now = f", {there:,} are in {self.name} now" if self.counts else f" to {self.name}"
        return f'{rows:,} rows of "{entity_type}" copied{now}'


def embedded(folder: Path) -> Place:
    return Place(str(folder), lambda: LmdbStore.open(folder, map_size_gib=1), counts=True)


def in_folder(request: pytest.FixtureRequest) -> Place:
    return embedded(request.getfixturevalue("tmp_path") / f"store{next(NUMBERS)}")


def in_redis(request: pytest.FixtureRequest) -> Place:
    url = f"{request.getfixturevalue('shared_redis').url}/{next(NUMBERS)}"
    return Place(url, lambda: RedisTables(RedisSettings(url)), counts=False)


NUMBERS = itertools.count(1)  # also of the databases that no other file uses
# Another kind of store joins with one function that makes an empty place in it.
PLACES: dict[str, Callable[[pytest.FixtureRequest], Place]] = {
    "embedded": in_folder,
    "redis": in_redis,
}


@pytest.fixture(params=PLACES)
def source(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param](request)


@pytest.fixture(params=PLACES)
def target(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param](request)


def invoke(source: Place, target: Place, *options: object) -> Result:
    names = ["--from", source.name, "--to", target.name]
    return CliRunner().invoke(copy, [*names, *map(str, options)])


def fill(place: Place, entity_type: str, rows: dict[str, float], features=AB) -> None:
    with place.open() as store:
        values = np.array(list(rows.values()))[:, None] + np.arange(len(features))
        store.write(entity_type, list(rows), features, values)


def contents(place: Place) -> Contents:
    with place.open() as store:
        found: Contents = {name: {} for name in store.tables()}
        for name, rows in found.items():
            for ids, values in store.scan(name):
                rows.update(zip(ids.tolist(), map(tuple, values.tolist()), strict=True))
        return found


def test_all_tables_are_copied_with_all_their_features(source: Place, target: Place) -> None:
    fill(source, "content", {f"id{i}": i + 1.0 for i in range(2_500)})
    fill(source, "shop", {"nul\0": 1.0, "x" * 511: 2.0}, ("price", "alpha", "beta"))
    result = invoke(source, target, "--batch", 1000)
    assert result.exit_code == 0
    assert sorted(result.stdout.splitlines()) == [
        target.copied("shop", 2, 2),
        target.copied("content", 2_500, 2_500),
    ]
    assert contents(target) == contents(source)
    with target.open() as store:
        assert store.tables()["shop"].features == ("price", "alpha", "beta")


def test_only_the_tables_that_are_named(source: Place, target: Place) -> None:
    for name in ("a", "b", "c"):
        fill(source, name, {"x": 1.0})
    options = ["--entity-type", "c", "--entity-type", "a", "--entity-type", "c"]
    assert invoke(source, target, *options).exit_code == 0
    assert sorted(contents(target)) == ["a", "c"]


def test_rows_that_only_the_target_has_stay(source: Place, target: Place) -> None:
    fill(source, "content", {"a": 1.0, "b": 2.0}, ("beta", "alpha"))
    fill(target, "content", {"b": 8.0, "c": 9.0})
    result = invoke(source, target)
    assert result.exit_code == 0
    assert result.stdout == target.copied("content", 2, 3) + "\n"
    assert contents(target) == {"content": {"a": (2, 1), "b": (3, 2), "c": (9, 10)}}


def test_copying_again_changes_nothing(source: Place, target: Place) -> None:
    fill(source, "content", {"a": 1.0, "b": 2.0})
    assert invoke(source, target).exit_code == invoke(source, target).exit_code == 0
    assert contents(target) == contents(source)


def test_a_table_is_replaced_also_by_one_with_other_features(source: Place, tmp_path: Path) -> None:
    target = embedded(tmp_path / "replaced")
    fill(source, "content", {"a": 1.0, "b": 2.0}, ("clicks",))
    fill(target, "content", {"b": 8.0, "c": 9.0})
    fill(target, "other", {"x": 1.0})
    assert invoke(source, target, "--mode", "replace").exit_code == 0
    assert contents(target) == {
        "content": {"a": (1,), "b": (2,)},
        "other": {"x": (1, 2)},
    }


def test_other_features_are_found_before_anything_is_written(source: Place, target: Place) -> None:
    fill(source, "a", {"x": 1.0})
    fill(source, "content", {"a": 1.0}, ("alpha", "clicks"))
    fill(target, "content", {"b": 8.0})
    before = contents(target)
    result = invoke(source, target)
    assert result.exit_code == 2
    assert "the features differ, so nothing was copied" in result.stderr
    assert '"content" has alpha, clicks; alpha, beta in the target' in result.stderr
    assert contents(target) == before


def test_a_table_without_rows_is_made(source: Place, target: Place) -> None:
    with source.open() as store:
        store.write("content", [], AB, np.empty((0, 2)))
    result = invoke(source, target)
    assert result.exit_code == 0
    assert result.stdout == target.copied("content", 0, 0) + "\n"
    with target.open() as store:
        assert store.tables()["content"].features == AB


def test_a_cluster_is_copied_to_and_from(
    redis_cluster: servers.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = embedded(tmp_path / "a"), embedded(tmp_path / "b")
    monkeypatch.setenv("BANDIT_SERVE_REDIS_URL", redis_cluster.url)
    monkeypatch.setenv("BANDIT_SERVE_REDIS_CLUSTER", "true")
    monkeypatch.setenv("BANDIT_SERVE_REDIS_PREFIX", "copied")
    settings = RedisSettings(redis_cluster.url, cluster=True, prefix="copied")
    cluster = Place("redis", lambda: RedisTables(settings), counts=False)
    fill(source, "content", {f"id{i}": i + 1.0 for i in range(2_500)})
    result = invoke(source, cluster)
    assert result.exit_code == 0
    assert result.stdout == f'2,500 rows of "content" copied to {redis_cluster.url}\n'
    assert invoke(cluster, target).exit_code == 0
    assert contents(target) == contents(cluster) == contents(source)


def test_a_target_that_is_down_says_what_was_copied(
    redis_server: servers.Server, tmp_path: Path
) -> None:
    source = embedded(tmp_path / "a")
    fill(source, "content", {"a": 1.0})
    redis_server.kill()
    target = Place(redis_server.url, lambda: RedisTables(RedisSettings(redis_server.url)), False)
    result = invoke(source, target)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: redis 127.0.0.1:{redis_server.port}: ")
    assert invoke(target, source).exit_code == 2


def test_nothing_to_copy_exits_1(source: Place, tmp_path: Path) -> None:
    target = embedded(tmp_path / "target")
    with source.open():
        pass
    result = invoke(source, target)
    assert result.exit_code == 1
    assert f"there is no table in {source.name}, so nothing was copied" in result.stderr
    with source.open() as store:
        store.write("content", [], AB, np.empty((0, 2)))
    fill(target, "content", {"b": 8.0})
    result = invoke(source, target, "--mode", "replace")
    assert result.exit_code == 1
    assert f'"content" in {source.name} has no rows, so nothing was replaced' in result.stderr
    assert contents(target) == {"content": {"b": (8, 9)}}


def test_a_store_is_not_copied_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BANDIT_SERVE_STORE_PATH", str(tmp_path / "a"))
    fill(embedded(tmp_path / "a"), "content", {"a": 1.0})
    (tmp_path / "link").symlink_to("a")
    for one in (str(tmp_path / "a"), "./a", "b/../a", "link", "embedded"):
        result = CliRunner().invoke(copy, ["--from", "a", "--to", one])
        assert result.exit_code == 2
        assert "--from and --to name the same store" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "a"], "--to"),
        (["--to", "b"], "--from"),
        (["--from", "absent", "--to", "b"], "absent: does not exist"),
        (["--from", "a", "--to", "http://b"], "unknown scheme 'http'"),
        (["--from", "vertex", "--to", "b"], "vertex can't be listed by this command; copy --ids"),
        (["--from", "a", "--to", "feast"], "feast can't be written"),
        (["--from", "a", "--to", "redis://x", "--mode", "replace"], "is for the embedded store"),
        (["--from", "a", "--to", "b", "--entity-type", "x"], 'no entity type "x" in a; there are'),
        (["--from", "a", "--to", "b", "--entity-type", ""], "entity_type is ''"),
        (["--from", "a", "--to", "b", "--batch", "0"], "--batch"),
    ],
)
def test_wrong_commands_exit_2_and_make_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(embedded(tmp_path / "a"), "content", {"a": 1.0})
    result = CliRunner().invoke(copy, arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_copy_that_fails_says_what_was_copied(tmp_path: Path) -> None:
    source, target = embedded(tmp_path / "a"), embedded(tmp_path / "b")
    fill(source, "content", {f"id{i:06}": i + 1.0 for i in range(100_000)})
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000));"
        "from service.data import copy; copy()"
    )
    command = [sys.executable, "-c", limited, "--from", source.name, "--to", target.name]
    result = subprocess.run(
        [*command, "--batch", "10000"], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 2
    rows = len(contents(target)["content"])
    assert 0 < rows < 100_000
    assert rows % 10_000 == 0
    assert result.stderr.endswith(f"\n{rows:,} rows were copied before that\n")
    assert invoke(source, target).exit_code == 0
    assert contents(target) == contents(source)
