"""What a follower learns from the journal."""

from pathlib import Path

import numpy as np
import pytest

from featurestore import LmdbStore, journal
from idcolumn import IdColumn

AB = ("alpha", "beta")


def write(store: LmdbStore, *ids: str, entity_type: str = "article") -> None:
    store.write(entity_type, ids, AB, np.ones((len(ids), 2)))


def test_a_new_store_has_no_changes(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        changes = store.changes(0)
        assert (changes.last, changes.replaced, changes.written) == (0, frozenset(), {})
        assert store.sequence() == 0


def test_written_ids_are_told_once_each(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        write(store, "first")
        write(store, "first", entity_type="video")
        start = store.sequence()
        write(store, "b", "a")
        write(store, "c\0", "a", "\u4e2d")
        write(store, "v", entity_type="video")
        changes = store.changes(start)
        assert changes.replaced == frozenset()
        assert {name: ids.tolist() for name, ids in changes.written.items()} == {
            "article": ["b", "a", "c\0", "\u4e2d"],
            "video": ["v"],
        }
        assert changes.last == store.sequence() > start
        assert store.changes(changes.last).written == {}
        write(store, "later")
        assert store.changes(changes.last).written["article"] == IdColumn.from_list(["later"])


def test_a_table_made_or_replaced_is_to_be_read_anew(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        write(store, "a")
        write(store, "b")
        changes = store.changes(0)
        assert (changes.replaced, changes.written) == (frozenset({"article"}), {})
        with store.replacing("article", AB) as load:
            load.write(["a"], np.ones((1, 2)))
            assert store.changes(changes.last).last == changes.last
        write(store, "v", entity_type="video")
        write(store, "v", entity_type="video")
        changes = store.changes(changes.last)
        assert (changes.replaced, changes.written) == (frozenset({"article", "video"}), {})


def test_an_empty_write_and_a_failed_load_change_nothing(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        write(store, "a")
        start = store.sequence()
        write(store)
        with pytest.raises(ValueError, match="shape"), store.replacing("article", AB) as load:
            load.write(["a"], np.ones((2, 2)))
        assert store.sequence() == start


def test_a_large_write_is_told_whole(tmp_path: Path) -> None:
    ids = [f"id{i}" for i in range(3_456)]
    with LmdbStore.open(tmp_path) as store:
        write(store, "a")
        start = store.sequence()
        write(store, *ids)
        assert store.changes(start).written["article"].tolist() == ids


def test_a_follower_too_far_behind_reads_every_table_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "KEPT_IDS", 100)
    with LmdbStore.open(tmp_path) as store:
        write(store, "a")
        write(store, "v", entity_type="video")
        behind = store.sequence()
        for turn in range(30):
            write(store, *(f"id{turn}-{i}" for i in range(10)))
        assert store.changes(behind).replaced == {"article", "video"}
        kept = store.changes(store.sequence() - 10)
        assert kept.replaced == frozenset()
        assert len(kept.written["article"]) == 100
        assert store.changes(store.sequence() - 12).replaced == {"article", "video"}


def test_a_follower_of_a_store_that_was_put_back_reads_every_table_anew(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        write(store, "a")
        changes = store.changes(1_000)
        assert (changes.replaced, changes.last) == (frozenset({"article"}), store.sequence())


def test_numbers_go_on_after_a_reopen(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        write(store, "a")
        write(store, "b")
        last = store.sequence()
    with LmdbStore.open(tmp_path) as store:
        write(store, "c")
        assert store.changes(last).written["article"].tolist() == ["c"]
