"""Chunks: together, bounded, repeated once, lost one by one, and refused when all is lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from featurestore import (
    Chunked,
    ChunkedSettings,
    FeatureBatch,
    Lost,
    MemoryStore,
    StoreUnavailable,
    UnknownFeature,
)
from featurestore.breaker import BreakerState
from featurestore.line import Outcome
from idcolumn import IdColumn

pytestmark = pytest.mark.anyio

FEATURES = ("alpha", "beta")
ROWS = {f"id{i}": (1.0 + i, 2.0 + i) for i in range(2_000)}
IDS = IdColumn.from_list(list(ROWS))
PLENTY_S = 30.0


async def at_once(_: int) -> None:
    """Answer without delay."""


async def never(_: int) -> None:
    await asyncio.sleep(3600)


class Half(MemoryStore):
    """A store that has found only the even rows when its time is up."""

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        whole = FeatureBatch.nothing(len(ids), len(features), Lost.LATE)
        whole.values[::2], whole.found[::2], whole.lost[::2] = 1.0, True, Lost.NO
        await asyncio.sleep(deadline - time.monotonic())
        return whole


async def fail(_: int) -> None:
    raise StoreUnavailable("cut off")


class Calls(MemoryStore):
    """A store that does before each answer what it is told at the moment, by the call's number."""

    def __init__(self, act: Callable[[int], Awaitable[None]] = at_once) -> None:
        super().__init__({"content": (FEATURES, ROWS)})
        self.act = act
        self.sizes: list[int] = []
        self.under_way = self.most_under_way = self.cancelled = 0

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        self.sizes.append(len(ids))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.act(len(self.sizes) - 1)
            return await super().fetch(entity_type, ids, features, deadline)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1


def first(count: int) -> IdColumn:
    return IDS.take(np.arange(count))


async def fetch(chunked: Chunked, ids: IdColumn, seconds: float = PLENTY_S) -> FeatureBatch:
    return await chunked.fetch("content", ids, FEATURES, time.monotonic() + seconds)


def assert_right(batch: FeatureBatch, ids: IdColumn) -> None:
    expected = np.array([ROWS[id_] for id_ in ids.tolist()])
    np.testing.assert_array_equal(batch.values[batch.found], expected[batch.found])
    assert not (batch.found & (batch.lost != Lost.NO)).any()
    assert np.isnan(batch.values[~batch.found]).all()


async def warmed(store: Calls, settings: ChunkedSettings | None = None) -> Chunked:
    """Return a store whose latencies are known, so that it hedges."""
    chunked = Chunked(store, settings)
    for _ in range(5):
        assert (await fetch(chunked, first(1_000))).found.all()
    return chunked


async def test_rows_come_in_order_from_chunks_of_the_size_that_is_set() -> None:
    store = Calls()
    ids = IDS.take(np.random.default_rng(3).permutation(1_999)[:450])
    batch = await fetch(Chunked(store), ids)
    assert sorted(store.sizes) == [50, 100, 100, 100, 100]
    assert batch.found.all()
    assert_right(batch, ids)


async def test_a_question_about_the_features_alone_is_not_counted_as_a_chunk() -> None:
    chunked = Chunked(Calls())
    assert len((await fetch(chunked, first(0))).found) == 0
    with pytest.raises(UnknownFeature):
        await chunked.fetch("content", first(0), ("gamma",), time.monotonic() + PLENTY_S)
    assert sum(chunked.line.seconds[Outcome.OK].counts) == 0


async def test_all_chunks_are_in_flight_together() -> None:
    store = Calls()
    everybody = asyncio.Event()

    async def meet(_: int) -> None:
        if store.under_way == 4:
            everybody.set()
        await everybody.wait()

    store.act = meet
    assert (await fetch(Chunked(store), first(400))).found.all()


async def test_no_more_calls_at_once_than_the_cap() -> None:
    store = Calls(lambda _: asyncio.sleep(0.002))
    chunked = Chunked(store, ChunkedSettings(chunk=10, chunks_in_flight=7))
    batches = await asyncio.gather(*(fetch(chunked, first(200)) for _ in range(10)))
    assert store.most_under_way == 7
    assert all(batch.found.all() for batch in batches)
    assert chunked.line.in_flight == 0


async def test_a_chunk_that_waits_for_its_turn_is_late_at_its_deadline() -> None:
    chunked = Chunked(Calls(never), ChunkedSettings(chunks_in_flight=1))
    slow = asyncio.create_task(fetch(chunked, first(10), 1.0))
    await asyncio.sleep(0)
    batch = await fetch(chunked, first(10), 0.02)
    assert (batch.lost == Lost.LATE).all()
    assert not slow.done()
    slow.cancel()


@pytest.mark.parametrize(("act", "why"), [(fail, Lost.FAILED), (never, Lost.LATE)])
async def test_a_lost_chunk_costs_its_own_rows(
    act: Callable[[int], Awaitable[None]], why: Lost
) -> None:
    store = Calls(lambda call: act(call) if call == 1 else at_once(call))
    batch = await fetch(Chunked(store, ChunkedSettings(hedge=False)), first(400), 0.1)
    assert batch.lost.tolist() == [Lost.NO] * 100 + [why] * 100 + [Lost.NO] * 200
    assert batch.found.sum() == 300
    assert_right(batch, first(400))


async def test_a_late_chunk_is_asked_for_once_more() -> None:
    store = Calls()
    chunked = await warmed(store)
    hung = len(store.sizes) + 2
    store.act = lambda call: never(call) if call == hung else at_once(call)
    batch = await fetch(chunked, first(400), PLENTY_S)
    assert batch.found.all()
    assert_right(batch, first(400))
    assert chunked.line.counts.hedges_won >= 1
    await asyncio.sleep(0)
    assert (store.cancelled, store.under_way) == (1, 0)


async def test_late_chunks_of_an_even_store_are_not_left_out_for_want_of_a_budget() -> None:
    slow: list[int] = []

    async def act(call: int) -> None:
        if call > 100 and call % 50 == 0:
            slow.append(call)
        await asyncio.sleep(0.5 if slow and slow[-1] == call else 0.02)

    chunked = Chunked(Calls(act))
    for _ in range(150):
        assert (await fetch(chunked, first(400))).found.all()
    assert len(slow) >= 10
    assert chunked.line.counts.hedges_won >= 0.8 * len(slow)


async def test_a_failed_chunk_is_asked_for_once_more() -> None:
    store = Calls(lambda call: fail(call) if call == 0 else at_once(call))
    assert (await fetch(Chunked(store), first(100))).found.all()
    assert len(store.sizes) == 2
    store.sizes.clear()
    store.act = fail
    assert (await fetch(Chunked(store), first(100))).lost.tolist() == [Lost.FAILED] * 100
    assert len(store.sizes) == 2


async def test_second_attempts_add_little_to_a_load_that_is_all_late() -> None:
    store = Calls()
    chunked = await warmed(store)
    store.sizes.clear()
    store.act = never
    await fetch(chunked, first(1_000), 0.1)
    assert 10 < len(store.sizes) <= 20
    store.sizes.clear()
    await fetch(chunked, first(600), 0.1)
    assert len(store.sizes) <= 6
    assert chunked.line.counts.hedges_denied > 0


@pytest.mark.parametrize("act", [fail, never])
async def test_a_store_that_is_down_is_left_alone_and_found_again(
    act: Callable[[int], Awaitable[None]],
) -> None:
    store = Calls(act)
    chunked = Chunked(store, ChunkedSettings(hedge=False))
    while chunked.line.breaker.state is BreakerState.CLOSED:
        await fetch(chunked, first(500), 0.06)
    assert len(store.sizes) < 60
    store.sizes.clear()
    batch = await fetch(chunked, first(1_000), 0.06)
    assert (batch.lost == Lost.REFUSED).sum() >= 900
    assert len(store.sizes) <= 1
    assert chunked.line.counts.refused >= 9
    probes = len(store.sizes)
    while len(store.sizes) < probes + 2:
        await fetch(chunked, first(1), 0.06)
        await asyncio.sleep(0.01)
    store.act = at_once
    mended = time.monotonic()
    while not (await fetch(chunked, first(400), 0.06)).found.all():
        assert time.monotonic() - mended < 2.0
        await asyncio.sleep(0.01)
    assert chunked.line.breaker.state is BreakerState.CLOSED
    assert chunked.line.breaker.openings == 1


async def test_callers_in_a_hurry_do_not_condemn_the_store() -> None:
    store = Calls(lambda _: asyncio.sleep(0.02))
    chunked = await warmed(store)
    for _ in range(20):
        batch = await fetch(chunked, first(400), 0.004)
        assert (batch.lost == Lost.LATE).all()
    assert chunked.line.breaker.state is BreakerState.CLOSED
    assert (await fetch(chunked, first(400))).found.all()


async def test_a_store_that_answers_nobody_is_condemned_by_callers_in_a_hurry_too() -> None:
    store = Calls(lambda _: asyncio.sleep(0.02))
    chunked = await warmed(store)
    store.act = never
    until = time.monotonic() + 10.0
    while chunked.line.breaker.state is BreakerState.CLOSED:
        await fetch(chunked, first(400), 0.01)
        assert time.monotonic() < until


async def test_an_unknown_feature_is_the_callers_to_mend() -> None:
    chunked = Chunked(Calls())
    with pytest.raises(UnknownFeature, match="gamma"):
        await chunked.fetch("content", first(300), ("gamma",), time.monotonic() + PLENTY_S)
    assert (await fetch(chunked, first(300))).found.all()


async def test_a_bug_in_the_store_is_not_taken_for_its_absence() -> None:
    async def divide(_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fetch(Chunked(Calls(divide)), first(300))


async def test_a_cancelled_fetch_cancels_its_calls() -> None:
    store, before = Calls(never), asyncio.all_tasks()
    chunked = Chunked(store)
    tasks = [asyncio.create_task(fetch(chunked, first(1_000))) for _ in range(5)]
    while store.under_way < 50:
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    while asyncio.all_tasks() != before:
        await asyncio.sleep(0)
    assert (store.under_way, chunked.line.in_flight) == (0, 0)
    store.act = at_once
    assert (await fetch(chunked, first(1_000))).found.all()


@pytest.mark.parametrize("within_s", [0.02, 0.2])
async def test_what_a_store_has_when_its_time_is_up_is_taken(within_s: float) -> None:
    found = 0
    for _ in range(5):  # a busy machine may take the time in between
        batch = await Chunked(Half()).fetch(
            "content", first(10), FEATURES, time.monotonic() + within_s
        )
        found = max(found, int(np.count_nonzero(batch.found)))
    assert found == 5


async def test_a_blocked_event_loop_does_not_open_the_breaker() -> None:
    chunked = Chunked(Calls(never), ChunkedSettings(hedge=False))
    for _ in range(3):
        fetches = [
            asyncio.create_task(chunked.fetch("content", first(100), FEATURES, soon))
            for soon in [time.monotonic() + 0.1] * 10
        ]
        asyncio.get_running_loop().call_later(0.01, time.sleep, 0.3)
        assert all(batch.lost.all() for batch in await asyncio.gather(*fetches))
    assert chunked.line.breaker.openings == 0
