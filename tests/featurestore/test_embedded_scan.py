"""Scans of a store that was just opened."""

from pathlib import Path

import numpy as np

from featurestore import LmdbStore


def test_the_first_thing_done_with_a_store_may_be_a_scan(tmp_path: Path) -> None:
    values = np.arange(1.0, 7.0).reshape(3, 2)
    with LmdbStore.open(tmp_path) as store:
        store.write("content", ["a", "b", "c"], ("alpha", "beta"), values)
    for readonly in (True, False):
        with LmdbStore.open(tmp_path, readonly=readonly) as store:
            ((ids, found),) = store.scan("content")
            assert ids.tolist() == ["a", "b", "c"]
            assert found.tolist() == values.tolist()
            assert list(store.scan("nothing")) == []
