"""Increments of the embedded store: who follows them, and what a killed adder leaves behind."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from featurestore import LmdbStore, Resident, StoreFull
from idcolumn import IdColumn

AB = ("alpha", "beta")
PRIOR = (2.0, 30.0)

ADDER = """
import sys
from pathlib import Path
import numpy as np
from featurestore import LmdbStore
store = LmdbStore.open(Path(sys.argv[1]))
ids = [f"id{i:04}" for i in range(500)]
for number in range(100_000):
    store.increment("article", ids, ("alpha", "beta"), np.ones((500, 2)), (1.0, 1.0))
    print(number + 1, flush=True)
"""


def test_increments_are_told_to_those_who_follow(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.increment("article", ["a"], AB, np.ones((1, 2)), PRIOR)
        first = store.changes(0)
        assert first.replaced == {"article"}
        store.increment("article", ["a", "b", "a"], AB, np.ones((3, 2)), PRIOR)
        later = store.changes(first.last)
        assert later.replaced == frozenset()
        assert sorted(later.written["article"].tolist()) == ["a", "b"]
        store.increment("article", [], AB, np.ones((0, 2)), PRIOR)
        assert store.sequence() == later.last


@pytest.mark.anyio
async def test_a_hot_tier_serves_the_sums(tmp_path: Path) -> None:
    store = LmdbStore.open(tmp_path)
    store.write("article", ["a"], AB, np.array([[5.0, 6.0]]))
    tier = Resident(store, max_rows=10, follow_interval_s=0.02)
    await tier.fill()
    store.increment("article", ["a", "b"], AB, np.ones((2, 2)), PRIOR)
    deadline = time.monotonic() + 30
    wanted = [[6.0, 7.0], [3.0, 31.0]]
    ids = IdColumn.from_list(["a", "b"])
    following = asyncio.create_task(tier.follow())
    while (await tier.fetch("article", ids, AB, time.monotonic() + 10)).values.tolist() != wanted:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await tier.close()


def test_a_killed_adder_loses_no_answered_sum_and_leaves_no_half_batch(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ADDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as adder:
        assert adder.stdout is not None
        while int(adder.stdout.readline()) < 20:
            pass
        adder.kill()
        answered = max([20, *map(int, adder.stdout.read().split())])
    with LmdbStore.open(tmp_path) as store:
        ids = IdColumn.from_list([f"id{i:04}" for i in range(500)])
        values, found = store.read("article", ids, AB)
    assert found.all()
    assert len(np.unique(values)) == 1, "half a batch"
    assert answered <= values[0, 0] - 1.0 <= answered + 1


def test_a_full_store_adds_nothing(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path, map_size_gib=0.001) as store:
        store.write("article", ["a"], AB, np.array([[1.0, 2.0]]))
        ids = ["a", *(f"{i:0500}" for i in range(10_000))]
        with pytest.raises(StoreFull, match="map_size_gib"):
            store.increment("article", ids, AB, np.ones((len(ids), 2)), PRIOR)
        values, _ = store.read("article", IdColumn.from_list(ids[:2]), AB)
        assert store.tables()["article"].rows == 1
    np.testing.assert_array_equal(values, [[1.0, 2.0], [np.nan, np.nan]])


def test_sums_beyond_float64_are_missing_when_read(tmp_path: Path) -> None:
    huge = np.full((2, 2), 1.7e308)
    with LmdbStore.open(tmp_path) as store:
        store.increment("article", ["a", "b"], AB, huge, PRIOR)
        store.increment("article", ["a", "a"], AB, huge, PRIOR)
        values, found = store.read("article", IdColumn.from_list(["a", "b"]), AB)
    assert found.all()
    np.testing.assert_array_equal(np.isfinite(values), [[False, False], [True, True]])
