"""The stores that read from Vertex AI, against the emulator over real gRPC."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator

import grpc
import numpy as np
import pytest

from featurestore import (
    FeatureBatch,
    FeatureStore,
    Lost,
    StoreCorrupt,
    StoreError,
    StoreUnavailable,
    UnknownFeature,
)
from featurestore.vertex.conduct import CODES, Conduct, parse_latency
from featurestore.vertex.emulator import Emulator
from featurestore.vertex.failures import TRANSLATIONS
from idcolumn import IdColumn
from loadtest.processes import free_port
from tests.featurestore.faults.modes import Strand
from tests.featurestore.faults.proxy import Proxy
from tests.featurestore.vertex.emulators import VARIANTS, emulator, emulator_process, store_of

pytestmark = pytest.mark.anyio

FEATURES = ("alpha", "beta", "clicks")
ODD = ["nul\0inside", "\0", "a b", "\u00e9\u4e2d\U0001f600", "\x7f\x01", "x" * 511]
ROWS = {f"id{i}": (1.0 + i, 2.0 + i, 3.0 + i) for i in range(1_000)}
ROWS |= {odd: (0.5 + i, 0.25, 0.125) for i, odd in enumerate(ODD)}
SPOILT = {
    "nan": (math.nan, 2.0, 3.0),
    "infinite": (1.0, math.inf, 3.0),
    "zero": (0.0, 2.0, 3.0),
    "zero int": (0, 2.0, 3.0),
    "negative": (-1.0, 2.0, 3.0),
    "text": ("1.5", 2.0, 3.0),
    "flag": (True, 2.0, 3.0),
    "good": (1.0, 2.0, 3.0),
}
SPARSE = {
    "integers": (5, 2**40, 7),
    "partly": (1.0, None, 3.0),
    "never written": (None, None, None),
}
TABLES = {name: (FEATURES, rows) for name, rows in (("article", ROWS), ("spoilt", SPOILT))}
TABLES |= {"sparse": (FEATURES, SPARSE)}


@pytest.fixture
async def serving() -> AsyncIterator[Emulator]:
    async with emulator(TABLES) as one:
        yield one


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def store(serving: Emulator, variant: str) -> AsyncIterator[FeatureStore]:
    opened = store_of(variant, serving.port)
    yield opened
    await opened.close()


async def fetch(
    store: FeatureStore,
    ids: list[str],
    features: tuple[str, ...] = FEATURES,
    entity_type: str = "article",
    within_s: float = 30.0,
) -> FeatureBatch:
    column = IdColumn.from_list(ids)
    return await store.fetch(entity_type, column, features, time.monotonic() + within_s)


def expected(ids: list[str]) -> np.ndarray:
    return np.array([ROWS.get(id_, (math.nan,) * 3) for id_ in ids]).reshape(len(ids), 3)


async def until(condition, within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not come to pass in time"
        await asyncio.sleep(0.01)


async def test_a_hundred_ids_come_back_in_order(store: FeatureStore) -> None:
    ids = [f"id{i}" for i in np.random.default_rng(3).permutation(1_200)[:100]]
    batch = await fetch(store, ids)
    np.testing.assert_array_equal(batch.values, expected(ids))
    assert batch.found.tolist() == [id_ in ROWS for id_ in ids]
    assert not batch.lost.any()


async def test_repeated_empty_odd_and_endless_ids(store: FeatureStore) -> None:
    ids = ["id7", "", "id7", *ODD, "z" * 100_000, "unknown"]
    batch = await fetch(store, ids)
    np.testing.assert_array_equal(batch.values, expected(ids))
    assert batch.found.tolist() == [id_ in ROWS for id_ in ids]


@pytest.mark.parametrize("features", [("beta",), ("clicks", "alpha"), ("beta", "beta")])
async def test_features_are_picked_by_name(store: FeatureStore, features: tuple[str, ...]) -> None:
    batch = await fetch(store, ["id4", "unknown", "id2"], features)
    columns = [FEATURES.index(name) for name in features]
    np.testing.assert_array_equal(batch.values, expected(["id4", "unknown", "id2"])[:, columns])


async def test_no_ids_are_no_call(store: FeatureStore, serving: Emulator) -> None:
    assert (await fetch(store, [])).values.shape == (0, 3)
    assert serving.calls == 0


@pytest.mark.parametrize("entity_type", ["nobody", "", "n" * 400, "\u4e2d\0", "article/x", "a b"])
async def test_of_an_unknown_table_nothing_is_found(store: FeatureStore, entity_type: str) -> None:
    batch = await fetch(store, ["id1", "id2"], ("any", "thing"), entity_type)
    assert batch.values.shape == (2, 2)
    assert not batch.found.any()
    assert not batch.lost.any()


async def test_an_unknown_feature_is_named(store: FeatureStore) -> None:
    there = "has alpha, beta, clicks"
    with pytest.raises(UnknownFeature, match=rf"features\[1\] is 'gamma', 'article' {there}"):
        await fetch(store, ["unknown", "id1"], ("alpha", "gamma"))


async def test_unusable_values_are_counted_and_missing(store: FeatureStore) -> None:
    batch = await fetch(store, [*SPOILT, "unknown"], entity_type="spoilt")
    assert batch.found.tolist() == [name == "good" for name in [*SPOILT, "unknown"]]
    assert batch.invalid == len(SPOILT) - 1
    np.testing.assert_array_equal(batch.values[-2], (1.0, 2.0, 3.0))


async def test_integers_are_numbers_and_absent_values_are_missing(store: FeatureStore) -> None:
    batch = await fetch(store, list(SPARSE), entity_type="sparse")
    assert batch.found.tolist() == [True, False, False]
    assert batch.invalid == 0
    np.testing.assert_array_equal(batch.values[0], (5.0, 2.0**40, 7.0))
    assert (await fetch(store, ["partly"], ("alpha",), "sparse")).found.all()


async def test_after_the_deadline_nothing_is_asked(store: FeatureStore, serving: Emulator) -> None:
    batch = await fetch(store, ["id1", "unknown"], within_s=-0.001)
    assert batch.lost.tolist() == [Lost.LATE] * 2
    assert serving.calls == 0


async def test_slow_answers_are_late(store: FeatureStore, serving: Emulator) -> None:
    serving.conduct.latency = parse_latency("30000")
    start = time.monotonic()
    batch = await fetch(store, ["id1", "", "id2"], within_s=0.1)
    assert time.monotonic() - start < 5.0
    assert batch.lost.tolist() == [Lost.LATE, Lost.NO, Lost.LATE]
    with pytest.raises(StoreUnavailable, match="no answer in time"):
        await store.check(time.monotonic() + 0.1)
    await until(lambda: serving.in_flight == 0)
    serving.conduct.latency = parse_latency("uniform:1,5")
    assert (await fetch(store, ["id1"])).found.all()


def test_every_status_has_a_translation() -> None:
    assert set(TRANSLATIONS) == set(grpc.StatusCode) - {grpc.StatusCode.OK}
    assert set(CODES) == {code.name for code in TRANSLATIONS}


@pytest.mark.parametrize("code", CODES)
async def test_a_failed_call_is_a_failed_store(
    store: FeatureStore, serving: Emulator, code: str, variant: str
) -> None:
    serving.conduct.error_code, serving.conduct.error_rate = code, 1.0
    if code == "DEADLINE_EXCEEDED":
        assert (await fetch(store, ["id1", "id2"])).lost.tolist() == [Lost.LATE] * 2
    elif code == "NOT_FOUND":
        batch = await fetch(store, ["id1", "id2"])
        assert not batch.found.any()
        assert not batch.lost.any()
    else:
        kind, _ = TRANSLATIONS[grpc.StatusCode[code]]
        table = "entityTypes" if variant == "vertex-legacy" else "featureViews"
        with pytest.raises(kind, match=f"{table}/article: .*made by the emulator"):
            await fetch(store, ["id1", "id2"])


@pytest.mark.parametrize("code", CODES)
async def test_a_check_proves_that_the_service_answers(
    store: FeatureStore, serving: Emulator, code: str
) -> None:
    await store.check(time.monotonic() + 30)
    serving.conduct.error_code, serving.conduct.error_rate = code, 1.0
    if code in ("NOT_FOUND", "INVALID_ARGUMENT"):
        await store.check(time.monotonic() + 30)
    else:
        with pytest.raises(TRANSLATIONS[grpc.StatusCode[code]][0], match=code):
            await store.check(time.monotonic() + 30)


async def test_denials_say_what_to_do(store: FeatureStore, serving: Emulator) -> None:
    serving.conduct.error_rate = 1.0
    serving.conduct.error_code = "PERMISSION_DENIED"
    with pytest.raises(StoreUnavailable, match=r"grant .* roles/aiplatform.user on the project p"):
        await fetch(store, ["id1"])
    serving.conduct.error_code = "UNAUTHENTICATED"
    with pytest.raises(StoreUnavailable, match="gcloud auth application-default login"):
        await fetch(store, ["id1"])


async def test_single_ids_fail_alone(serving: Emulator) -> None:
    store = store_of("vertex", serving.port)
    serving.conduct.key_error_rate, serving.conduct.error_code = 0.5, "INTERNAL"
    ids = [f"id{i}" for i in range(100)]
    batch = await fetch(store, ids)
    failed = batch.lost == Lost.FAILED
    assert 20 < failed.sum() < 80
    assert (batch.found == ~failed).all()
    np.testing.assert_array_equal(batch.values[batch.found], expected(ids)[batch.found])
    serving.conduct.error_code = "DEADLINE_EXCEEDED"
    batch = await fetch(store, ids)
    assert (batch.found == (batch.lost == Lost.NO)).all()
    assert set(batch.lost) == {Lost.NO, Lost.LATE}
    serving.conduct.key_error_rate, serving.conduct.error_code = 1.0, "INTERNAL"
    with pytest.raises(StoreUnavailable, match="INTERNAL: an error made"):
        await fetch(store, ids)
    await store.close()


async def test_what_came_before_the_deadline_is_kept(serving: Emulator) -> None:
    store = store_of("vertex-fetch", serving.port, concurrency=1)
    await fetch(store, ["id0"])
    serving.conduct.latency = parse_latency("100")
    ids = [f"id{i}" for i in range(100)]
    batch = await fetch(store, ids, within_s=0.5)
    assert 0 < batch.found.sum() < 100
    assert (batch.lost == np.where(batch.found, Lost.NO, Lost.LATE)).all()
    np.testing.assert_array_equal(batch.values[batch.found], expected(ids)[batch.found])
    await store.close()


async def test_more_than_a_hundred_ids_are_refused(serving: Emulator) -> None:
    ids = [f"id{i}" for i in range(101)]
    for variant in ("vertex-legacy", "vertex"):
        store = store_of(variant, serving.port)
        with pytest.raises(StoreError, match=r"maximum number of .* is 100, but 101 were given"):
            await fetch(store, ids)
        assert (await fetch(store, ids[1:])).found.all()
        await store.close()


async def test_without_a_streaming_call_ids_are_read_one_by_one() -> None:
    async with emulator(TABLES, streaming=False) as serving:
        store = store_of("vertex", serving.port)
        for _ in range(2):
            batch = await fetch(store, ["id1", "unknown", "id2"])
            assert batch.found.tolist() == [True, False, True]
        assert serving.calls == 6
        await store.close()


async def test_cancelling_a_fetch_cancels_its_calls(store: FeatureStore, serving: Emulator) -> None:
    await fetch(store, ["id1"])
    serving.conduct.latency = parse_latency("60000")
    calls = serving.calls
    tasks = [asyncio.create_task(fetch(store, [f"id{i}"])) for i in range(20)]
    await until(lambda: serving.calls == calls + 20)
    assert serving.in_flight == 20
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    await until(lambda: serving.in_flight == 0)
    serving.conduct.latency = parse_latency("0")
    assert (await fetch(store, ["id1"])).found.all()


@pytest.fixture(scope="module")
def slow_port() -> Iterator[int]:
    """Where a service is that answers nothing, in a process of its own: a server has tasks too."""
    with emulator_process(TABLES, Conduct(parse_latency("60000"), seed=1)) as port:
        yield port


async def test_a_cancelled_fetch_leaves_no_task(variant: str, slow_port: int) -> None:
    store = store_of(variant, slow_port)
    await fetch(store, ["id1"], within_s=0.2)
    before = asyncio.all_tasks()
    tasks = [asyncio.create_task(fetch(store, [f"id{i}"])) for i in range(20)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: asyncio.all_tasks() == before)
    await store.close()


async def test_closing_ends_what_is_under_way(store: FeatureStore, serving: Emulator) -> None:
    serving.conduct.latency = parse_latency("60000")
    task = asyncio.create_task(fetch(store, ["id1"]))
    await until(lambda: serving.in_flight > 0)
    await store.close()
    with pytest.raises(StoreUnavailable, match="was closed"):
        await task
    with pytest.raises(StoreUnavailable, match="was closed"):
        await fetch(store, ["id1"])


async def test_concurrent_fetches_do_not_mix(store: FeatureStore, serving: Emulator) -> None:
    serving.conduct.latency = parse_latency("uniform:0,20")
    requests = [[f"id{i}" for i in range(start, start + 20)] for start in range(0, 800, 20)]
    batches = await asyncio.gather(*(fetch(store, ids) for ids in requests))
    for ids, batch in zip(requests, batches, strict=True):
        np.testing.assert_array_equal(batch.values, expected(ids))


async def test_a_service_that_went_away_comes_back(variant: str) -> None:
    first = Emulator({}, Conduct())
    await first.start()
    await first.stop()
    store = store_of(variant, first.port)
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        await fetch(store, ["id1"])
    for _ in range(2):
        async with emulator(TABLES, port=first.port):
            assert await recovered_within(store, 2.0)
        with pytest.raises(StoreUnavailable):
            await fetch(store, ["id1"])
    await store.close()


async def test_a_connection_that_swallows_everything_is_replaced(
    serving: Emulator, variant: str
) -> None:
    with Proxy("127.0.0.1", serving.port) as proxy:
        store = store_of(variant, proxy.port)
        for _ in range(8):
            assert (await fetch(store, ["id1"])).found.all()
        assert proxy.opened == 4
        proxy.set(Strand())
        assert (await fetch(store, ["id1"], within_s=0.05)).lost.any()
        assert await recovered_within(store, 2.0)
        assert 4 < proxy.opened <= 8
        await store.close()


async def recovered_within(store: FeatureStore, seconds: float) -> bool:
    """Whether ten fetches in a row of 100 ms each are answered before so many seconds have gone."""
    start, good = time.monotonic(), 0
    while good < 10 and time.monotonic() - start < 10.0:
        try:
            good = good + 1 if (await fetch(store, ["id1"], within_s=0.1)).found.all() else 0
        except StoreUnavailable:
            good = 0
            await asyncio.sleep(0.01)
    return good == 10 and time.monotonic() - start < seconds + 3.0  # a busy machine's share


def test_a_store_is_made_outside_of_a_loop() -> None:
    async def read(store: FeatureStore, serving: Emulator) -> None:
        await serving.start(port)
        assert not (await fetch(store, ["id1"])).found.any()
        await store.close()
        await serving.stop()

    port = free_port()
    for variant in VARIANTS:
        asyncio.run(read(store_of(variant, port), Emulator({})))


async def test_a_damaged_answer_is_a_corrupt_store() -> None:
    async def damaged(_request, _context) -> AsyncIterator[bytes]:
        yield b"\xff\xff\xff"

    server = grpc.aio.server()
    handler = grpc.unary_stream_rpc_method_handler(damaged)
    server.add_generic_rpc_handlers((Everything(handler),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    for variant in VARIANTS:
        store = store_of(variant, port)
        with pytest.raises(StoreCorrupt, match="not as Vertex AI does"):
            await fetch(store, ["id1"])
        with pytest.raises(StoreCorrupt, match="not as Vertex AI does"):
            await store.check(time.monotonic() + 30)
        await store.close()
    await server.stop(1.0)


class Everything(grpc.GenericRpcHandler):
    """Answers every method alike."""

    def __init__(self, handler) -> None:
        self._handler = handler

    def service(self, _details):
        return self._handler
