"""The columns of a catalogue, out of rows wherever they are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from bandit.posterior import posterior
from featurestore import LmdbStore, StoreError
from featurestore.bulk import SourceError
from featurestore.redis import RedisSettings, RedisTables
from idcolumn import IdColumn
from service.catalogs.build import Built, NoArms, build
from service.catalogs.rows import read_rows
from service.config import Settings, load_settings

MODEL = """
[models.m]
version = "1"
prior = { alpha = 2.0, beta = 30.0 }
"""
TAGGED = 'tags = ["kids", "sports", "news"]\n'
COUNT = 30_000
COLUMNS = ("alpha", "beta", "tags")


def settings_of(folder: Path, catalog: str = "", model: str = "", **sections) -> Settings:
    path = folder / "config.toml"
    path.write_text(f"{MODEL}{model}\n[catalogs.c]\n{catalog}")
    return load_settings(path, {"store": {"path": str(folder / "store")}, **sections})


def built(settings: Settings) -> Built:
    return build(settings.catalogs["c"], read_rows(settings, settings.catalogs["c"]))


def of_csv(folder: Path, text: str, catalog: str = "", model: str = "") -> Built:
    (folder / "arms.csv").write_text(text)
    return built(settings_of(folder, f'path = "{folder}/arms.csv"\n{catalog}', model))


def arms_of(result: Built) -> dict[str, tuple[float, float]]:
    columns = (result.ids.ids().tolist(), result.arms.alpha.tolist(), result.arms.beta.tolist())
    return {name: (alpha, beta) for name, alpha, beta in zip(*columns, strict=True)}


@dataclass
class Table:
    ids: list[str]
    values: np.ndarray  # alpha, beta, tags


@pytest.fixture(scope="module")
def table() -> Table:
    rng = np.random.default_rng(5)
    ids = [f"{'ü' * (i % 4)}video-{i}" for i in range(COUNT)]
    posteriors = rng.gamma(2.0, 20.0, (COUNT, 2)) + 0.1
    return Table(ids, np.column_stack((posteriors, rng.integers(0, 8, COUNT))))


def in_lmdb(folder: Path, table: Table, _: pytest.FixtureRequest) -> Settings:
    with LmdbStore.open(folder / "store") as store:
        store.write("content", table.ids, COLUMNS, table.values)
    return settings_of(folder, TAGGED)


def in_redis(folder: Path, table: Table, request: pytest.FixtureRequest) -> Settings:
    url = request.getfixturevalue("shared_redis").url
    with RedisTables(RedisSettings(url, prefix="catalog-build")) as tables:
        tables.write("content", table.ids, COLUMNS, table.values)
    sections = {"redis": {"url": url, "prefix": "catalog-build"}, "store": {"kind": "redis"}}
    return settings_of(folder, TAGGED, **sections)


def in_csv(folder: Path, table: Table, _: pytest.FixtureRequest) -> Settings:
    path = folder / "arms.csv"
    lines = [
        f"{tags:g},{name},{alpha!r},{beta!r}"
        for name, (alpha, beta, tags) in zip(table.ids, table.values.tolist(), strict=True)
    ]
    path.write_text("\n".join(["tags,id,alpha,beta", *lines]))
    return settings_of(folder, f'path = "{path}"\n{TAGGED}')


def in_parquet(folder: Path, table: Table, _: pytest.FixtureRequest) -> Settings:
    path = folder / "arms.parquet"
    columns = dict(zip(COLUMNS, table.values.T, strict=True))
    pyarrow.parquet.write_table(pyarrow.table({"id": table.ids, **columns}), path)
    return settings_of(folder, f'path = "{path}"\n{TAGGED}')


@pytest.mark.parametrize("place", [in_lmdb, in_redis, in_csv, in_parquet])
def test_every_place_gives_the_columns_that_a_list_would(
    tmp_path, table: Table, request, place: Callable[..., Settings]
) -> None:
    settings = place(tmp_path, table, request)
    result = built(settings)
    model = settings.models.by_name["m"]
    column = IdColumn.from_list(table.ids)
    order = np.argsort(column.hashes)
    found = np.ones(COUNT, np.bool_)
    alpha, beta = posterior(table.values[:, :2].copy(), found, model.prior, model.precision)
    assert np.array_equal(result.arms.lanes, column.hashes[order])
    assert np.array_equal(result.arms.alpha, alpha[order])
    assert np.array_equal(result.arms.beta, beta[order])
    assert np.array_equal(result.arms.tags, table.values[order, 2].astype(np.uint64))
    assert result.ids.ids() == column.take(order)
    assert (result.missing, sum(result.oddities.values())) == (0, 0)
    assert result.version == built(in_csv(tmp_path, table, request)).version


def test_the_version_tells_rows_apart_but_not_their_order(tmp_path) -> None:
    head = "id,alpha,beta\n"
    version = of_csv(tmp_path, head + "a,1,2\nb,3,4\n").version
    assert len(version) == 16
    assert of_csv(tmp_path, head + "b,3,4\na,1,2\n").version == version
    for other in ("a,1,2\n", "a,1,2\nb,3,5\n", "a,1,2\nc,3,4\n", "a,3,4\nb,1,2\n"):
        assert of_csv(tmp_path, head + other).version != version
    assert of_csv(tmp_path, head + "ab,1,2\n,1,2").version != version


def test_the_last_row_of_an_id_stays(tmp_path) -> None:
    rows = [f"a{i % 40},{i + 1},1" for i in range(10_000)]
    result = of_csv(tmp_path, "\n".join(["id,alpha,beta", *rows]))
    assert arms_of(result) == {f"a{i % 40}": (i + 1.0, 1.0) for i in range(9960, 10_000)}
    assert result.oddities["repeated"] == 9960


def test_rows_that_are_not_fit_take_the_prior(tmp_path) -> None:
    rows = "a,1,2\nb,0,2\nc,1,-2\nd,nan,2\ne,x,2\nf,1,\ng,inf,1\nh,1e-320,1\n"
    result = of_csv(tmp_path, "id,alpha,beta\n" + rows)
    arms = arms_of(result)
    assert arms.pop("a") == (1.0, 2.0)
    assert arms.pop("h") == (pytest.approx(1.2e-38, rel=0.1), 1.0)  # as `posterior` has it
    assert arms == dict.fromkeys("bcdefg", (2.0, 30.0))
    assert result.missing == 6


def test_float64_is_kept(tmp_path) -> None:
    result = of_csv(tmp_path, "id,alpha,beta\na,1e9,1.1\n", model='precision = "float64"\n')
    assert arms_of(result) == {"a": (1e9, 1.1)}


def test_rows_without_an_id_are_left_out_and_counted(tmp_path) -> None:
    most = "x" * 256  # as of a list
    rows = f"a,1,2\n,1,2\n{'x' * 600},1,2\n{most}x,1,2\n{most},1,2\nb,1\nc,1,2\n"
    result = of_csv(tmp_path, "id,alpha,beta\n" + rows)
    assert set(arms_of(result)) == {"a", "c", most}
    assert result.oddities["broken"] == 4


def test_what_the_template_adds_is_taken_off(tmp_path) -> None:
    model = 'entity = "é:{candidate}-x"\n'
    rows = "é:a-x,1,2\né:b-x,3,4\né:-x,5,6\né:c-y,1,2\ne:d-x,1,2\né:x,1,2\n-x,1,1\né:é:a-x-x,7,8"
    result = of_csv(tmp_path, "id,alpha,beta\n" + rows, model=model)
    wanted = {"a": (1.0, 2.0), "b": (3.0, 4.0), "é:a-x": (7.0, 8.0)}
    assert arms_of(result) == wanted
    assert (result.oddities["affix"], result.oddities["broken"]) == (4, 1)  # no id is left
    assert np.array_equal(result.arms.lanes, np.sort(IdColumn.from_list(list(wanted)).hashes))


def test_tags_that_are_not_declared_are_masked_and_counted(tmp_path) -> None:
    tags = ["0", "7", "8", "9", "-1", "1.5", "", "nan", "1e300"]
    rows = [f"a{i},1,1,{bits}" for i, bits in enumerate(tags)]
    result = of_csv(tmp_path, "\n".join(["id,alpha,beta,tags", *rows]), TAGGED)
    assert result.arms.tags is not None
    found = dict(zip(result.ids.ids().tolist(), result.arms.tags.tolist(), strict=True))
    assert [found[f"a{i}"] for i in range(len(tags))] == [0, 7, 0, 1, 0, 0, 0, 0, 0]
    assert result.oddities["tags"] == 7


def test_nothing_left_is_an_error(tmp_path) -> None:
    with pytest.raises(NoArms, match="2 broken, 0 of an id that the model's template"):
        of_csv(tmp_path, "id,alpha,beta\n,1,2\nb,1\n")


def test_a_column_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(SourceError, match="there must be one column 'tags'; found 'id', 'alpha'"):
        of_csv(tmp_path, "id,alpha,beta\na,1,2\n", TAGGED)


def test_a_table_that_is_not_there_or_lacks_a_feature_is_named(tmp_path) -> None:
    with LmdbStore.open(tmp_path / "store") as store:
        store.write("other", ["a"], ("alpha", "beta"), np.ones((1, 2)))
    with pytest.raises(StoreError, match="has no table 'content'; a load makes it"):
        built(settings_of(tmp_path))
    with LmdbStore.open(tmp_path / "store") as store:
        store.write("content", ["a"], ("alpha", "beta"), np.ones((1, 2)))
    with pytest.raises(StoreError, match="but not 'tags'"):
        built(settings_of(tmp_path, TAGGED))


def test_progress_is_told(tmp_path, table: Table, request) -> None:
    settings = in_csv(tmp_path, table, request)
    told: list[tuple[int, float | None]] = []
    catalog = settings.catalogs["c"]
    build(catalog, read_rows(settings, catalog), lambda *progress: told.append(progress))
    assert told == sorted(told)
    assert len(told) > 5
    assert told[-1] == (COUNT, 1.0)
