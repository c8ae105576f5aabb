"""The hot tier: residency, following other processes, races, faults and counts."""

import asyncio
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from featurestore import FeatureBatch, LmdbStore, Resident, StoreUnavailable, hot
from featurestore.rows import Rows, Slice
from idcolumn import IdColumn

pytestmark = pytest.mark.anyio

AB = ("alpha", "beta")
IDS = [f"id{i}" for i in range(2_000)]

WRITER = """
import json, sys
from pathlib import Path
import numpy as np
from featurestore import LmdbStore
store = LmdbStore.open(Path(sys.argv[1]))
for line in sys.stdin:
    verb, entity_type, features, ids, value = json.loads(line)
    values = np.full((len(ids), len(features)), value)
    if verb == "write":
        store.write(entity_type, ids, tuple(features), values)
    else:
        with store.replacing(entity_type, tuple(features)) as load:
            load.write(ids, values)
    print("done", flush=True)
"""


class Writer:
    """Another process that writes to the store."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self,
        verb: str,
        ids: list[str],
        value: float,
        entity_type: str = "article",
        features: tuple[str, ...] = AB,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(
            json.dumps([verb, entity_type, features, ids, value]),
            file=self._process.stdin,
            flush=True,
        )
        assert self._process.stdout.readline() == "done\n"

    def stop(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0


@contextmanager
def writer_of(path: Path) -> Iterator[Writer]:
    writer = Writer(path)
    try:
        yield writer
    finally:
        writer.stop()


@asynccontextmanager
async def following(tier: Resident) -> AsyncIterator[None]:
    task = asyncio.create_task(tier.follow())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def tier_over(store: LmdbStore, max_rows: int = 10_000) -> AsyncIterator[Resident]:
    tier = Resident(store, max_rows=max_rows, follow_interval_s=0.02)
    try:
        yield tier
    finally:
        await tier.close()


def filled(path: Path, value: float = 1.0) -> LmdbStore:
    store = LmdbStore.open(path, map_size_gib=1)
    store.write("article", IDS, AB, np.full((len(IDS), 2), value))
    return store


async def fetch(
    tier: Resident,
    ids: list[str],
    within_s: float = 30.0,
    entity_type: str = "article",
    features: tuple[str, ...] = AB,
) -> FeatureBatch:
    column = IdColumn.from_list(ids)
    return await tier.fetch(entity_type, column, features, time.monotonic() + within_s)


async def until(true: Callable[[], Awaitable[bool]], within_s: float = 10.0) -> float:
    """Seconds until a condition holds."""
    start = time.monotonic()
    while not await true():
        assert time.monotonic() - start < within_s, "never came true"
        await asyncio.sleep(0.005)
    return time.monotonic() - start


async def test_a_complete_tier_needs_the_store_no_more(tmp_path: Path) -> None:
    store = filled(tmp_path)
    async with tier_over(store) as tier:
        assert not tier.complete
        await tier.fill()
        assert tier.complete
        assert (tier.progress.rows, tier.progress.total) == (2_000, 2_000)
        assert tier.nbytes >= 2_000 * 32
        store.shut()
        batch = await fetch(tier, ["id5", "unknown", "id1999"])
        assert batch.found.tolist() == [True, False, True]
        assert not batch.lost.any()
        assert tier.counts.hits == 2
        assert tier.counts.misses == tier.counts.errors == tier.counts.not_resident == 0


async def test_a_tier_smaller_than_the_table_reads_the_rest_through(tmp_path: Path) -> None:
    async with tier_over(filled(tmp_path), max_rows=500) as tier:
        await tier.fill()
        assert not tier.complete
        assert tier.progress.rows == 500
        assert tier.counts.not_resident == 1_500
        batch = await fetch(tier, [*IDS, "unknown"])
        assert batch.found.tolist() == [True] * 2_000 + [False]
        assert (batch.values[:-1] == 1.0).all()
        assert (tier.counts.hits, tier.counts.misses) == (500, 1_501)


async def test_what_was_read_through_is_kept_while_there_is_room(tmp_path: Path) -> None:
    store = filled(tmp_path)
    async with tier_over(store, max_rows=2_100) as tier:
        await tier.fill()
        store.write("article", [f"new{i}" for i in range(300)], AB, np.ones((300, 2)))
        async with following(tier):
            await until(lambda: found(tier, "new299"))
        assert tier.progress.rows == 2_100
        assert not tier.complete
        assert tier.counts.not_resident == 200


async def found(tier: Resident, *ids: str, value: float | None = None) -> bool:
    batch = await fetch(tier, list(ids))
    return bool(batch.found.all()) and (value is None or bool((batch.values == value).all()))


async def test_rows_written_by_another_process_are_seen_within_a_second(tmp_path: Path) -> None:
    async with tier_over(filled(tmp_path)) as tier:
        await tier.fill()
        with writer_of(tmp_path) as writer:
            async with following(tier):
                for turn in range(2, 6):
                    ids = ["id7", "id8", f"new{turn}"]
                    writer("write", ids, float(turn))
                    waited = await until(lambda i=ids, t=turn: found(tier, *i, value=float(t)))
                    assert waited < 1.0
        batch = await fetch(tier, ["id6", "id9"])
        assert (batch.values == 1.0).all()
        assert tier.complete
        assert tier.counts.refreshed == 12
        assert tier.counts.misses == 0


async def test_a_table_replaced_by_another_process_is_swapped_whole(tmp_path: Path) -> None:
    async with tier_over(filled(tmp_path)) as tier:
        await tier.fill()
        with writer_of(tmp_path) as writer:
            async with following(tier):
                for turn in range(2, 5):
                    ids = [*IDS[:1_500], f"only{turn}"]
                    writer("replace", ids, float(turn))

                    async def swapped(turn: int = turn) -> bool:
                        values = (await fetch(tier, IDS[:1_500])).values
                        assert len(np.unique(values)) == 1, "old rows and new rows in one answer"
                        return bool(values[0, 0] == turn)

                    assert await until(swapped) < 1.0
                batch = await fetch(tier, ["id1800", "only3", "only4"])
                assert batch.found.tolist() == [False, False, True]
        assert tier.complete
        assert tier.counts.misses == 0


async def test_a_table_may_change_its_features_and_tables_may_appear(tmp_path: Path) -> None:
    async with tier_over(filled(tmp_path)) as tier:
        await tier.fill()
        with writer_of(tmp_path) as writer:
            async with following(tier):
                writer("replace", ["id1"], 5.0, features=("alpha", "beta", "clicks"))
                writer("write", ["v"], 6.0, entity_type="video", features=("gamma",))

                async def clicks() -> bool:
                    with suppress(Exception):
                        batch = await fetch(tier, ["id1"], features=("clicks", "alpha"))
                        return bool((batch.values == 5.0).all())
                    return False

                async def video() -> bool:
                    await fetch(tier, ["v"], entity_type="video", features=("gamma",))
                    return tier.progress.rows == 2

                assert await until(clicks) < 1.0
                assert await until(video) < 1.0


async def test_a_tier_that_never_was_filled_reads_through_and_still_follows(tmp_path: Path) -> None:
    store = filled(tmp_path)
    async with tier_over(store) as tier, following(tier):
        assert await found(tier, "id1", value=1.0)
        store.write("article", ["id1"], AB, np.full((1, 2), 2.0))
        assert await until(lambda: found(tier, "id1", value=2.0)) < 1.0
        assert tier.counts.hits == 0


class Slow(LmdbStore):
    """A store whose reads of rows wait for a gate, and tell that they wait."""

    gate: threading.Event
    waiting: threading.Event
    after_reading = False

    def lookup(self, entity_type: str, ids: IdColumn) -> Rows:
        rows = super().lookup(entity_type, ids) if self.after_reading else None
        self.waiting.set()
        assert self.gate.wait(20.0)
        return rows or super().lookup(entity_type, ids)


class Stalling(LmdbStore):
    """A store whose scans stop behind the first slice until a gate opens."""

    gate: threading.Event
    waiting: threading.Event

    def take_slice(self, entity_type: str, after: bytes, count: int) -> Slice:
        if after:
            self.waiting.set()
            assert self.gate.wait(20.0)
        return super().take_slice(entity_type, after, count)


async def test_what_is_written_while_a_table_is_read_anew_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "POURED_ROWS", 100)
    store = Stalling.open(tmp_path, map_size_gib=1)
    store.gate, store.waiting = threading.Event(), threading.Event()
    store.gate.set()
    store.write("article", IDS, AB, np.ones((len(IDS), 2)))
    async with tier_over(store) as tier:
        await tier.fill()
        store.waiting.clear()
        store.gate.clear()
        async with following(tier):
            with store.replacing("article", AB) as load:
                load.write(IDS, np.full((len(IDS), 2), 2.0))
            await asyncio.to_thread(store.waiting.wait, 20.0)
            store.write("article", ["id0"], AB, np.full((1, 2), 3.0))
            # The look at the journal waits for the slice, because the row belongs to the new table.
            await until(lambda: lag_reaches(tier, 0.2))
            batch = await fetch(tier, ["id0", "id1"])
            assert (batch.values == 1.0).all()
            assert batch.oldest_age_s > 0.1
            store.gate.set()
            await until(lambda: found(tier, "id1", value=2.0))
            assert await until(lambda: found(tier, "id0", value=3.0)) < 1.0
            await until(lambda: younger_than(tier, 0.1))


async def lag_reaches(tier: Resident, lag_s: float) -> bool:
    return tier.lag_s > lag_s


def slow_store(path: Path) -> Slow:
    store = Slow.open(path, map_size_gib=1)
    store.gate, store.waiting = threading.Event(), threading.Event()
    store.write("article", IDS, AB, np.ones((len(IDS), 2)))
    return store


async def test_late_rows_are_masked_and_the_hot_ones_served_in_time(tmp_path: Path) -> None:
    store = slow_store(tmp_path)
    async with tier_over(store, max_rows=500) as tier:
        await tier.fill()
        start = time.monotonic()
        batch = await fetch(tier, IDS, within_s=0.05)
        assert time.monotonic() - start < 2.0
        assert int(batch.found.sum()) == 500
        np.testing.assert_array_equal(batch.lost != 0, ~batch.found)
        assert np.isnan(batch.values[batch.lost != 0]).all()
        store.gate.set()
        assert (await fetch(tier, IDS)).found.all()


async def test_cancelled_reads_do_not_block_what_follows(tmp_path: Path) -> None:
    store = slow_store(tmp_path)
    async with tier_over(store, max_rows=500) as tier:
        await tier.fill()
        before = asyncio.all_tasks()
        tasks = [asyncio.create_task(fetch(tier, IDS)) for _ in range(30)]
        await asyncio.to_thread(store.waiting.wait, 20.0)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        store.gate.set()
        assert (await fetch(tier, IDS)).found.all()
        assert asyncio.all_tasks() == before


async def test_a_row_read_before_a_write_does_not_replace_the_newer(tmp_path: Path) -> None:
    store = slow_store(tmp_path)
    table = store.table("article")
    assert table is not None
    rows = hot.HotTable(store, "article", table, 10_000)
    ids = IdColumn.from_list(["id1", "id2"])
    store.after_reading = True
    early = asyncio.create_task(asyncio.to_thread(rows.read_through, ids))
    await asyncio.to_thread(store.waiting.wait, 20.0)
    store.write("article", ["id1"], AB, np.full((1, 2), 2.0))
    reader = threading.Thread(target=rows.pour)
    reader.start()
    reader.join(20.0)
    store.gate.set()
    assert ((await early).values == 1.0).all()
    values, held, hits = rows.lookup(ids, AB)
    assert (held.all(), hits) == (True, 2)
    np.testing.assert_array_equal(values[:, 0], [2.0, 1.0])
    store.shut()


async def test_rows_of_a_replaced_table_never_get_into_the_old_one(tmp_path: Path) -> None:
    store = filled(tmp_path)
    table = store.table("article")
    assert table is not None
    rows = hot.HotTable(store, "article", table, 10_000)
    with store.replacing("article", AB) as load:
        load.write(["id1"], np.full((1, 2), 2.0))
    ids = IdColumn.from_list(["id1"])
    assert (rows.read_through(ids).values == 2.0).all()
    assert rows.refresh(ids) == 0
    assert rows.pour() is False
    assert len(rows) == 0
    assert not rows.complete
    store.shut()


@pytest.mark.parametrize("max_rows", [700, 10_000])
async def test_fill_reads_through_and_follow_converge_under_writes(
    tmp_path: Path, max_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "POURED_ROWS", 50)
    store = filled(tmp_path)
    chance = np.random.default_rng(17)
    latest = dict.fromkeys(IDS, 1.0)
    writing = threading.Event()
    writing.set()

    def write() -> None:
        value = 1.0
        while writing.is_set():
            value += 1.0
            chosen = [IDS[i] for i in chance.integers(0, len(IDS), 20)]
            if value % 50 == 0:
                with store.replacing("article", AB) as load:
                    load.write(IDS, np.full((len(IDS), 2), value))
                latest.update(dict.fromkeys(IDS, value))
            store.write("article", chosen, AB, np.full((20, 2), value))
            latest.update(dict.fromkeys(chosen, value))

    async with tier_over(store, max_rows) as tier:
        thread = threading.Thread(target=write)
        thread.start()
        try:
            async with following(tier):
                filling = asyncio.create_task(tier.fill())
                end = time.monotonic() + 2.0
                while time.monotonic() < end:
                    picked = [IDS[i] for i in np.random.default_rng().integers(0, len(IDS), 100)]
                    batch = await fetch(tier, picked)
                    assert batch.found.all()
                    await asyncio.sleep(0)
                writing.clear()
                await asyncio.to_thread(thread.join)
                await filling
                wanted = np.array([latest[id_] for id_ in IDS])

                async def right() -> bool:
                    return bool(((await fetch(tier, IDS)).values[:, 0] == wanted).all())

                assert await until(right) < 2.0
        finally:
            writing.clear()
            thread.join()
        assert max(latest.values()) > 60
        assert tier.counts.errors == 0
        assert tier.complete == (max_rows == 10_000)


async def test_a_store_that_fails_makes_rows_late_and_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = filled(tmp_path)
    async with tier_over(store, max_rows=500) as tier:
        await tier.fill()
        store.shut()
        with caplog.at_level(logging.WARNING, "bandit_serve.featurestore"):
            batch = await fetch(tier, IDS)
            assert (int(batch.found.sum()), np.count_nonzero(batch.lost)) == (500, 1_500)
            assert tier.counts.errors == 1
            async with following(tier):
                await until(lambda: errors_reach(tier, 6))
        assert len(caplog.records) in (3, 4)
        with pytest.raises(StoreUnavailable):
            await tier.check(time.monotonic() + 1.0)


async def errors_reach(tier: Resident, count: int) -> bool:
    return tier.counts.errors >= count


async def test_age_grows_until_the_journal_is_read(tmp_path: Path) -> None:
    async with tier_over(filled(tmp_path)) as tier:
        await tier.fill()
        await until(lambda: older_than(tier, 0.1))
        async with following(tier):
            await until(lambda: younger_than(tier, 0.1))
        assert (await fetch(tier, ["unknown"])).oldest_age_s == 0.0


async def older_than(tier: Resident, age_s: float) -> bool:
    batch = await fetch(tier, ["id1"])
    return batch.oldest_age_s > age_s and tier.lag_s > age_s


async def younger_than(tier: Resident, age_s: float) -> bool:
    return not await older_than(tier, age_s)


async def test_unusable_values_are_counted_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = filled(tmp_path)
    store.write("article", ["id1", "id2"], AB, np.array([[-1.0, 1.0], [np.inf, np.nan]]))
    async with tier_over(store) as tier:
        await tier.fill()
        with caplog.at_level(logging.WARNING, "bandit_serve.featurestore"):
            for _ in range(3):
                batch = await fetch(tier, ["id0", "id1", "id2", "unknown"])
                assert batch.found.tolist() == [True, False, False, False]
                assert batch.invalid == 2
        assert len(caplog.records) == 1
        async with following(tier):
            store.write("article", ["id1", "id2"], AB, np.full((2, 2), 3.0))
            assert await until(lambda: found(tier, "id1", "id2", value=3.0)) < 1.0


async def test_a_fill_can_be_cancelled_and_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "POURED_ROWS", 1)
    async with tier_over(filled(tmp_path)) as tier:
        task = asyncio.create_task(tier.fill())
        await until(lambda: rows_reach(tier, 1))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await fetch(tier, IDS)).found.all()
        monkeypatch.setattr(hot, "POURED_ROWS", 1_000)
        await tier.fill()
        assert tier.complete


async def rows_reach(tier: Resident, count: int) -> bool:
    return tier.progress.rows >= count


async def test_wrong_bounds_are_refused(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        with pytest.raises(ValueError, match="max_rows is 0, must be > 0"):
            Resident(store, max_rows=0)
        with pytest.raises(ValueError, match="follow_interval_s is nan, must be > 0"):
            Resident(store, max_rows=1, follow_interval_s=float("nan"))
