"""The embedded store by itself: writes, loads, scans, bounds and wrong places."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import lmdb
import numpy as np
import pytest

from featurestore import (
    FeaturesDiffer,
    LmdbStore,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreUnavailable,
    UnknownFeature,
    environment,
    replacement,
)
from idcolumn import IdColumn

AB = ("alpha", "beta")


def rows(count: int, value: float = 1.0) -> np.ndarray:
    return np.full((count, 2), value)


def value_of(store: LmdbStore, id_: str, entity_type: str = "article") -> float | None:
    values, found = store.read(entity_type, IdColumn.from_list([id_]), AB)
    return float(values[0, 0]) if found[0] else None


def test_rows_survive_close_and_reopen(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path / "deep" / "store") as store:
        store.write("article", ["a", "b"], AB, np.array([[1.0, 2.0], [3.0, 4.0]]))
    with LmdbStore.open(tmp_path / "deep" / "store", readonly=True) as store:
        values, found = store.read(
            "article", IdColumn.from_list(["b", "c", "a"]), ("beta", "alpha")
        )
    assert found.tolist() == [True, False, True]
    np.testing.assert_array_equal(values, [[4.0, 3.0], [np.nan, np.nan], [2.0, 1.0]])


def test_write_overwrites_and_the_last_of_duplicates_stays(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", ["a", "b"], AB, rows(2))
        store.write(
            "article", IdColumn.from_list(["b", "c", "b"]), AB, np.array([[2.0, 2], [3, 3], [4, 4]])
        )
        assert [value_of(store, id_) for id_ in "abc"] == [1.0, 4.0, 3.0]
        assert store.tables()["article"].rows == 3


def test_features_are_put_in_the_tables_order(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", ["a"], AB, np.array([[1.0, 2.0]]))
        store.write("article", ["b"], ("beta", "alpha"), np.array([[4.0, 3.0]]))
        values, _ = store.read("article", IdColumn.from_list(["a", "b"]), AB)
        np.testing.assert_array_equal(values, [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize("features", [("alpha",), ("alpha", "gamma"), ("alpha", "beta", "gamma")])
def test_other_features_than_the_tables_are_refused(
    tmp_path: Path, features: tuple[str, ...]
) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", ["a"], AB, rows(1))
        with pytest.raises(FeaturesDiffer, match="'article' has alpha, beta"):
            store.write("article", ["a"], features, np.ones((1, len(features))))
        with pytest.raises(UnknownFeature, match=r"features\[0\] is 'gamma'"):
            store.read("article", IdColumn.from_list(["a"]), ("gamma",))


@pytest.mark.parametrize(
    ("ids", "problem"),
    [
        (["a", ""], r"ids\[1\] has 0 bytes of UTF-8, must have 1 to 511"),
        (["a", "b", "x" * 512], r"ids\[2\] has 512 bytes .* 'xxx"),
        (["\u4e2d" * 171], r"ids\[0\] has 513 bytes"),
    ],
)
def test_an_id_that_is_no_key_is_named_and_nothing_is_written(
    tmp_path: Path, ids: list[str], problem: str
) -> None:
    with LmdbStore.open(tmp_path) as store:
        with pytest.raises(ValueError, match=problem):
            store.write("article", ids, AB, rows(len(ids)))
        assert store.tables() == {}
        store.write("article", ["a"], AB, rows(1))
        with pytest.raises(ValueError, match=problem), store.replacing("article", AB) as load:
            load.write(ids, rows(len(ids), 2.0))
        assert value_of(store, "a") == 1.0


def test_wrong_shapes_and_names_are_refused(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        with pytest.raises(ValueError, match=r"values has shape \(3, 2\), must be \(2, 2\)"):
            store.write("article", ["a", "b"], AB, rows(3))
        with pytest.raises(ValueError, match="entity_type is '', must have 1 to 200 bytes"):
            store.write("", ["a"], AB, rows(1))
        with pytest.raises(ValueError, match="features is empty"):
            store.write("article", ["a"], (), np.ones((1, 0)))
        with (
            pytest.raises(ValueError, match=r"features\[1\] is 'alpha' again"),
            store.replacing("article", ("alpha", "alpha")),
        ):
            pytest.fail("the load began")
        assert store.tables() == {}
        store.write("article", ["a"], AB, rows(1))
        assert value_of(store, "a") == 1.0


def test_an_empty_write_makes_the_table(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", [], AB, rows(0))
        assert store.tables()["article"].features == AB
        assert store.tables()["article"].rows == 0
        assert list(store.scan("article")) == []


def test_scan_gives_every_row_in_key_order_as_of_its_beginning(tmp_path: Path) -> None:
    ids = [f"id{i}" for i in np.random.default_rng(3).permutation(1_234)]
    with LmdbStore.open(tmp_path) as store:
        store.write("article", ids, AB, rows(len(ids)))
        scan = store.scan("article", batch=100)
        first, _ = next(scan)
        store.write("article", ids, AB, rows(len(ids), 2.0))
        with store.replacing("article", ("gamma",)) as load:
            load.write(["other"], np.array([[9.0]]))
        rest = list(scan)
        seen = first.tolist() + [id_ for column, _ in rest for id_ in column.tolist()]
        assert seen == sorted(ids)
        assert [len(column) for column, _ in rest] == [100] * 11 + [34]
        assert all((values == 1.0).all() for _, values in rest)
        assert [(c.tolist(), v.tolist()) for c, v in store.scan("article")] == [
            (["other"], [[9.0]])
        ]
        assert list(store.scan("nobody")) == []


def test_tables_tells_features_rows_and_bytes(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", [f"id{i}" for i in range(5_000)], AB, rows(5_000))
        store.write("video", ["v"], ("gamma",), np.array([[1.0]]))
        article, video = store.tables()["article"], store.tables()["video"]
    assert (article.features, article.rows) == (AB, 5_000)
    assert 5_000 * 16 < article.bytes < 5_000 * 80
    assert (video.features, video.rows) == (("gamma",), 1)


def test_replacing_shows_the_new_table_at_the_end_and_not_before(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", ["old", "both"], AB, rows(2))
        with store.replacing("article", AB) as load:
            load.write(["both", "new"], rows(2, 2.0))
            assert [value_of(store, id_) for id_ in ("old", "both", "new")] == [1.0, 1.0, None]
        assert [value_of(store, id_) for id_ in ("old", "both", "new")] == [None, 2.0, 2.0]
        assert store.tables()["article"].rows == 2


def test_a_table_is_replaced_again_and_again(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        for turn in range(1, 8):
            with store.replacing("article", AB) as load:
                load.write([f"id{turn}", "same"], rows(2, float(turn)))
            assert value_of(store, "same") == turn
            assert store.tables()["article"].rows == 2


def test_a_load_that_raises_leaves_the_old_table(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", ["a"], AB, rows(1))
        for entity_type, features in (("article", ("gamma",)), ("video", AB)):
            with pytest.raises(KeyError):
                fail_to_load(store, entity_type, features)
        assert value_of(store, "a") == 1.0
        assert list(store.tables()) == ["article"]
        with store.replacing("article", AB) as load:
            load.write(["c"], rows(1, 3.0))
        assert [value_of(store, id_) for id_ in "abc"] == [None, None, 3.0]


def fail_to_load(store: LmdbStore, entity_type: str, features: tuple[str, ...]) -> None:
    with store.replacing(entity_type, features) as load:
        load.write(["b"], np.full((1, len(features)), 2.0))
        raise KeyError("b")


@pytest.mark.parametrize("order", ["sorted", "reversed", "shuffled"])
def test_a_load_in_any_order_is_sorted_in_parts(
    tmp_path: Path, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacement, "BUFFERED_ROWS", 250)
    numbers = np.arange(1, 2_001)
    if order != "sorted":
        numbers = (
            numbers[::-1] if order == "reversed" else np.random.default_rng(1).permutation(numbers)
        )
    with LmdbStore.open(tmp_path) as store:
        with store.replacing("article", AB) as load:
            for part in np.array_split(numbers, 31):
                load.write([f"{i:05}" for i in part], np.stack([part, part], axis=1).astype(float))
            load.write(["00007"], rows(1, 0.5))
            assert load.rows == 2_001
        assert store.tables()["article"].rows == 2_000
        ids = [f"{i:05}" for i in numbers]
        values, found = store.read("article", IdColumn.from_list(ids), ("alpha",))
        assert found.all()
        np.testing.assert_array_equal(values[:, 0], np.where(numbers == 7, 0.5, numbers))


def test_one_load_at_a_time(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        with store.replacing("article", AB) as load:
            with pytest.raises(StoreBusy, match="another bulk load"), store.replacing("video", AB):
                pytest.fail("the second load began")
            load.write(["a"], rows(1))
        assert value_of(store, "a") == 1.0


def test_a_write_that_makes_the_table_stops_its_first_load(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        with ExitStack() as stack:
            stack.enter_context(pytest.raises(StoreBusy, match="made by a write"))
            load = stack.enter_context(store.replacing("article", AB))
            load.write(["loaded"], rows(1))
            store.write("article", ["written"], AB, rows(1))
        assert value_of(store, "written") == 1.0
        assert value_of(store, "loaded") is None


def test_a_store_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=f"{tmp_path}/none: does not exist"):
        LmdbStore.open(tmp_path / "none", readonly=True)
    assert not (tmp_path / "none").exists()


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for readonly in (False, True):
        with pytest.raises(StoreUnavailable, match="is not a folder"):
            LmdbStore.open(tmp_path / "file", readonly=readonly)
    with pytest.raises(StoreUnavailable, match="Not a directory"):
        LmdbStore.open(tmp_path / "file" / "store")


def test_foreign_data_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"not a database " * 1_000)
    with pytest.raises(StoreCorrupt, match=r"data\.mdb is not an LMDB file"):
        LmdbStore.open(tmp_path)
    other = tmp_path / "other"
    with lmdb.open(str(other), max_dbs=2) as env:
        env.open_db(b"someone else's")
    for readonly in (False, True):
        with pytest.raises(StoreCorrupt, match=f"{other}: holds no 'tables/1'"):
            LmdbStore.open(other, readonly=readonly)


def test_readonly_refuses_to_write(tmp_path: Path) -> None:
    LmdbStore.open(tmp_path).shut()
    with LmdbStore.open(tmp_path, readonly=True) as store:
        with pytest.raises(StoreUnavailable, match="opened readonly"):
            store.write("article", ["a"], AB, rows(1))
        with (
            pytest.raises(StoreUnavailable, match="opened readonly"),
            store.replacing("article", AB),
        ):
            pytest.fail("the load began")
        assert store.tables() == {}


def test_a_second_open_in_the_process_is_refused(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path), pytest.raises(StoreUnavailable, match="already open"):
        LmdbStore.open(tmp_path, readonly=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnavailable, match="Permission denied"):
        LmdbStore.open(tmp_path / "store")


def test_a_fork_must_open_its_own(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from featurestore import LmdbStore, StoreUnavailable
store = LmdbStore.open(Path(sys.argv[1]))
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
try:
    store.tables()
except StoreUnavailable as error:
    os._exit(7 if "before a fork" in str(error) else 8)
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)]).returncode == 7


def test_a_full_map_says_which_setting_and_keeps_what_was_there(tmp_path: Path) -> None:
    small = 1 / 256  # 4 MiB
    ids = [f"id{i}" for i in range(100_000)]
    with LmdbStore.open(tmp_path, map_size_gib=small) as store:
        store.write("article", ["a"], AB, rows(1))
        with pytest.raises(StoreFull, match=r"raise map_size_gib above 0\.0039"):
            store.write("article", ids, AB, rows(len(ids)))
        with pytest.raises(StoreFull, match="map_size_gib"), store.replacing("article", AB) as load:
            load.write([id_ + "-longer" * 9 for id_ in ids], rows(len(ids)))
        assert value_of(store, "a") == 1.0
        assert value_of(store, "id1") is None
        store.write("article", ["a"], AB, rows(1, 2.0))
    with LmdbStore.open(tmp_path, map_size_gib=1) as store:
        store.write("article", ids, AB, rows(len(ids)))
        assert store.tables()["article"].rows == 100_001
        assert value_of(store, "a") == 2.0


def test_a_full_disk_is_told_from_a_full_map(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
import numpy as np
from featurestore import LmdbStore, StoreFull
store = LmdbStore.open(Path(sys.argv[1]))
store.write("article", ["a"], ("alpha",), np.ones((1, 1)))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
ids = [f"id{i}" for i in range(100_000)]
try:
    store.write("article", ids, ("alpha",), np.ones((len(ids), 1)))
except StoreFull as error:
    print(error)
assert [info.rows for info in store.tables().values()] == [1]
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "the disk is full" in done.stdout
    with LmdbStore.open(tmp_path) as store:
        assert store.tables()["article"].rows == 1


def test_a_map_larger_than_the_address_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no address space for map_size_gib"):
        LmdbStore.open(tmp_path, map_size_gib=1 << 30)
    with pytest.raises(ValueError, match="map_size_gib is 0, must be > 0"):
        LmdbStore.open(tmp_path, map_size_gib=0)


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = LmdbStore.open(tmp_path)
    store.shut()
    with pytest.raises(StoreError):
        store.tables()
    with pytest.raises(StoreError):
        store.write("article", ["a"], AB, rows(1))


def test_reads_see_a_row_written_a_moment_ago_from_another_handle(tmp_path: Path) -> None:
    script = """
import sys
from contextlib import ExitStack
from pathlib import Path
import numpy as np
from featurestore import LmdbStore
store = LmdbStore.open(Path(sys.argv[1]))
for line in sys.stdin:
    store.write(line.strip(), ["a"], ("alpha", "beta"), np.full((1, 2), 5.0))
    print("done", flush=True)
"""
    with (
        LmdbStore.open(tmp_path) as store,
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer,
    ):
        assert writer.stdin is not None
        assert writer.stdout is not None
        for entity_type in ("article", "video", "article"):
            print(entity_type, file=writer.stdin, flush=True)
            assert writer.stdout.readline() == "done\n"
            assert value_of(store, "a", entity_type) == 5.0
        writer.stdin.close()
        assert writer.wait() == 0


def test_every_error_of_the_lmdb_package_is_translated() -> None:
    kinds = {
        kind
        for kind in vars(lmdb).values()
        if isinstance(kind, type) and issubclass(kind, lmdb.Error)
    }
    table = [foreign for foreign, _, _ in environment.TRANSLATIONS]
    assert len(kinds) > 20
    assert all(any(issubclass(kind, foreign) for foreign in table) for kind in kinds)
    assert all(issubclass(kind, StoreError) for _, kind, _ in environment.TRANSLATIONS)
    first = {foreign: table.index(foreign) for foreign in table}
    assert all(
        first[kind] == min(i for i, foreign in enumerate(table) if issubclass(kind, foreign))
        for kind in first
    ), "a row behind a more general one never counts"


def test_an_empty_store_takes_little_room(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", ["a"], AB, rows(1))
    assert sum(file.stat().st_blocks * 512 for file in tmp_path.iterdir()) < 1 << 20
