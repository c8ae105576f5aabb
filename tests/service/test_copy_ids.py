"""`copy --ids`: rows of stores that are read by ids alone."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from featurestore import FaultyStore, LmdbStore, MemoryStore, StoreUnavailable
from featurestore.bulk import Listed, SourceError, read_ids
from service.data import copy

AB = ("alpha", "beta")
ROWS = {f"id{i}": (1.0 + i, 2.0 + i, 3.0 + i) for i in range(2_500)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    values = np.array(list(ROWS.values()))
    with LmdbStore.open(tmp_path / "source") as store:
        store.write("content", list(ROWS), (*AB, "clicks"), values)
        store.write("content", ["bad"], (*AB, "clicks"), np.array([[1.0, np.nan, 2.0]]))
    return tmp_path / "source"


def invoke(source: Path, ids: Path, *options: object) -> Result:
    stores = ["--from", source, "--to", source.with_name("target"), "--ids", ids]
    return CliRunner().invoke(copy, list(map(str, [*stores, *options])))


def contents(source: Path) -> dict[str, tuple[float, ...]]:
    rows: dict[str, tuple[float, ...]] = {}
    with LmdbStore.open(source.with_name("target")) as store:
        for ids, values in store.scan("content"):
            rows.update(zip(ids.tolist(), map(tuple, values.tolist()), strict=True))
    return rows


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_rows_of_the_ids_are_copied(source: Path, tmp_path: Path, mode: str) -> None:
    file = tmp_path / "ids.txt"
    file.write_text("\n".join([*ROWS, "unknown", "bad", "id7"]))
    result = invoke(source, file, "--entity-type", "content", "--mode", mode)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f'2,500 rows of "content" copied, 2,500 are in {tmp_path / "target"} now',
        "2 of 2,502 ids were not found, 1 of them for unusable values",
    ]
    assert contents(source) == {id_: row[:2] for id_, row in ROWS.items()}


def test_features_can_be_named(source: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("name,id\nx,id1\n")
    features = ["--feature", "clicks", "--feature", "alpha"]
    options = ["--entity-type", "content", *features]
    assert invoke(source, tmp_path / "ids.csv", *options).exit_code == 0
    assert contents(source) == {"id1": (4.0, 2.0)}


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_no_row_found_exits_1_and_replaces_nothing(source: Path, tmp_path: Path, mode: str) -> None:
    with LmdbStore.open(tmp_path / "target") as store:
        store.write("content", ["a"], AB, np.array([[1.0, 2.0]]))
    (tmp_path / "ids.txt").write_text("x\ny\n")
    result = invoke(source, tmp_path / "ids.txt", "--entity-type", "content", "--mode", mode)
    assert result.exit_code == 1
    assert contents(source) == {"a": (1.0, 2.0)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--ids needs one --entity-type"),
        (["--entity-type", "a", "--entity-type", "b"], "--ids needs one --entity-type"),
        (["--entity-type", "content", "--feature", "price"], "features[0] is 'price'"),
        (["--entity-type", "content", "--from", "vertex"], "vertex.project is ''"),
        (["--entity-type", "content", "--to", "vertex"], "vertex can't be written"),
    ],
)
def test_what_can_not_be_copied_exits_2(
    source: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    (tmp_path / "ids.txt").write_text("id1\n")
    result = invoke(source, tmp_path / "ids.txt", *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_ids_come_from_files_of_many_kinds(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffb\r\na,1\r\né\r\nb\r\n".encode())
    assert read_ids(str(tmp_path / "a.txt")) == ["b", "a,1", "é"]
    (tmp_path / "b.csv").write_text('alpha,id\n1,b\n2,"a\nc"\n')
    assert read_ids(str(tmp_path / "b.csv")) == ["b", "a\nc"]
    pq.write_table(pa.table({"id": [3, 1, 3]}), tmp_path / "c.parquet")
    assert read_ids(str(tmp_path / "c.parquet")) == ["3", "1"]
    (tmp_path / "d.txt").write_text("")
    assert read_ids(str(tmp_path / "d.txt")) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"a\n\nb\n", r"a\.txt:2: an id has 1 to 511 bytes"),
        ("a.txt", b"x" * 512, r"a\.txt:1: an id has"),
        ("a.txt", b"\xff", r"a\.txt can't be read"),
        ("a.csv", b"key\na\n", "one column 'id'"),
        ("a.csv", b"id,x\na\n", r"a\.csv:2: wrong number of columns"),
        ("a.csv", b"id\na\n\xff\n", r"a\.csv:3: an id has"),
    ],
)
def test_wrong_files_are_named_with_the_line(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=said):
        read_ids(str(tmp_path / name))
    with pytest.raises(SourceError, match=r"absent.txt can't be read"):
        read_ids(str(tmp_path / "absent.txt"))


def test_a_row_that_is_late_or_fails_ends_the_reading() -> None:
    memory = MemoryStore({"content": (AB, {"a": (1.0, 2.0)})})
    late = FaultyStore(memory, delay_s=60.0)
    with (
        Listed(late, ["a", "b"], AB, 0.05) as listed,
        pytest.raises(StoreUnavailable, match=r"2 of 2 rows could not be had in 0\.05 s"),
    ):
        list(listed.scan("content"))
    failing = FaultyStore(memory, error=StoreUnavailable("cut off"))
    with Listed(failing, ["a"], AB, 5.0) as listed, pytest.raises(StoreUnavailable, match="cut"):
        list(listed.scan("content"))
