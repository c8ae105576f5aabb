"""Exports read back to the very same bits, and statistics that agree with NumPy."""

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from featurestore import LmdbStore
from featurestore.bulk.export import whole_file
from service.data import export, load, stats

FEATURES = ("alpha", "beta")
AWKWARD_IDS = [
    "plain",
    'a "quote"',
    "com,ma",
    "new\nline",
    "return\rhere",
    "\r\n",
    " blank ",
    "é☃𝄞",
    "\ufeffx",
]


def store_of(path: Path, ids: list[str], values: NDArray[np.float64]) -> None:
    with LmdbStore.open(path) as store:
        store.write("content", ids, FEATURES, values)


def table_in(path: Path) -> dict[str, bytes]:
    rows: dict[str, bytes] = {}
    with LmdbStore.open(path) as store:
        for ids, values in store.scan("content"):
            rows.update(zip(ids.tolist(), map(np.ndarray.tobytes, values), strict=True))
    return rows


def run_ok(command: object, *arguments: object) -> str:
    result = CliRunner().invoke(command, list(map(str, arguments)))  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    return result.stdout


def awkward_values(rows: int) -> NDArray[np.float64]:
    random = np.random.default_rng(7)
    bits = random.integers(1, 0x7FEF_FFFF_FFFF_FFFF, (rows, 2), endpoint=True)
    return bits.view(np.float64)


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_export_and_load_give_the_same_bits(tmp_path: Path, name: str) -> None:
    ids = AWKWARD_IDS + [f"arm-{number}" for number in range(25_000)]
    values = awkward_values(len(ids))
    values[:4] = [[5e-324, 1.7976931348623157e308], [0.1, 1 / 3], [1e23, 9007199254740993], [1, 2]]
    store_of(tmp_path / "a", ids, values)
    run_ok(export, tmp_path / name, "--store", tmp_path / "a")
    run_ok(load, tmp_path / name, "--store", tmp_path / "b")
    assert table_in(tmp_path / "b") == table_in(tmp_path / "a")
    assert len(table_in(tmp_path / "b")) == len(ids)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=60),
        st.tuples(*2 * [st.floats(min_value=0, exclude_min=True, allow_infinity=False)]),
        min_size=1,
        max_size=20,
    )
)
def test_any_table_survives_csv(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, tuple[float, float]]
) -> None:
    folder = tmp_path_factory.mktemp("export")
    store_of(folder / "a", list(rows), np.array(list(rows.values())))
    run_ok(export, folder / "out.csv", "--store", folder / "a")
    run_ok(load, folder / "out.csv", "--store", folder / "b")
    assert table_in(folder / "b") == table_in(folder / "a")


def test_columns_are_the_id_and_all_features(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path / "store") as store:
        store.write("shop", ["x"], ("alpha", "beta", "price"), np.array([[1.5, 2, 3e-7]]))
    options = ["--store", tmp_path / "store", "--entity-type", "shop"]
    assert run_ok(export, "-", *options) == "id,alpha,beta,price\nx,1.5,2.0,3e-07\n"
    run_ok(export, tmp_path / "out.parquet", *options)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.to_pylist() == [{"id": "x", "alpha": 1.5, "beta": 2.0, "price": 3e-7}]


def test_gzip_is_gzip(tmp_path: Path) -> None:
    store_of(tmp_path / "store", ["a"], np.array([[1.0, 2.0]]))
    run_ok(export, tmp_path / "out.csv.gz", "--store", tmp_path / "store")
    text = gzip.decompress((tmp_path / "out.csv.gz").read_bytes()).decode()
    assert list(csv.reader(text.splitlines())) == [["id", "alpha", "beta"], ["a", "1.0", "2.0"]]


def _write_half(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"after")
        raise RuntimeError("half way")


def test_a_failed_write_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(RuntimeError, match="half way"):
        _write_half(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["out.csv", "--store", "absent"], "absent"),
        (["out.csv", "--entity-type", "shop"], 'no entity type "shop"; there are: content'),
        (["out.json"], "out.json: the name ends in none of"),
        (["absent/out.csv"], "absent/out.csv: there is no folder absent"),
    ],
)
def test_what_can_not_be_exported_exits_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    store_of(tmp_path / "data" / "store", ["a"], np.array([[1.0, 2.0]]))
    result = CliRunner().invoke(export, arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    rows = 50_000
    store_of(tmp_path, [f"arm-{number}" for number in range(rows)], np.ones((rows, 2)))
    code = "from service.data import export; export()"
    command = [sys.executable, "-c", code, "-", "--store", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"id,alpha,beta\n"
        process.stdout.close()
        assert process.wait(60) == 1
        assert process.stderr
        assert b"Traceback" not in process.stderr.read()


def test_stats_agree_with_numpy(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    values = random.gamma(2.0, 10.0, (30_000, 2))
    store_of(tmp_path, [f"arm-{number}" for number in range(30_000)], values)
    with LmdbStore.open(tmp_path) as store:
        store.write("prices", ["x"], ("price",), np.array([[1.0]]))
    found = json.loads(run_ok(stats, "--store", tmp_path, "--json"))["entity_types"]
    assert found["prices"]["posterior"] is None
    content = found["content"]
    assert (content["rows"], content["features"]) == (30_000, ["alpha", "beta"])
    assert content["bytes"] > 30_000 * 16
    means = values[:, 0] / values.sum(axis=1)
    posterior = content["posterior"]
    assert (posterior["arms"], posterior["invalid"]) == (30_000, 0)
    assert posterior["mean_of_means"] == pytest.approx(means.mean(), rel=1e-12)
    for figures, wanted in (
        (posterior["means"], means),
        (posterior["weights"], values.sum(axis=1)),
    ):
        assert list(figures) == ["min", "p1", "p10", "p50", "p90", "p99", "max"]
        levels = [0, 0.01, 0.1, 0.5, 0.9, 0.99, 1]
        assert list(figures.values()) == pytest.approx(np.quantile(wanted, levels).tolist())


def test_stats_for_people(tmp_path: Path) -> None:
    store_of(tmp_path, ["a", "b", "c"], np.array([[1.0, 3.0], [2.0, 2.0], [np.nan, 1.0]]))
    shown = run_ok(stats, "--store", tmp_path)
    assert '"content": 3 rows of alpha, beta; ' in shown
    assert "2 arms, 1 invalid; mean of means 0.375" in shown
