"""Every store over a network, behind its wrappers, stands every fault and comes back."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from featurestore import Cached, CachedSettings, Chunked, FeatureStore
from tests.featurestore.faults.backends import BACKENDS, HOST, Backend
from tests.featurestore.faults.faulty_requests import MODES, stand

pytestmark = pytest.mark.anyio

# So short-lived that nearly every row of every request is asked of the store.
FLEETING = CachedSettings(10_000, ttl_s=0.001, negative_ttl_s=0.001, stale_s=0.0)
WRAPPERS: dict[str, Callable[[FeatureStore], FeatureStore]] = {
    "bare": lambda store: store,
    "chunked": Chunked,
    "cached": lambda store: Cached(Chunked(store), FLEETING),
}
SHORT = {
    "chunked": tuple(MODES),
    "cached": ("cut", "stall", "reset in a reply"),
}
REQUESTS_AT_ONCE = 20


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", params=BACKENDS)
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    with BACKENDS[request.param](tmp_path_factory.mktemp(request.param)) as made:
        yield made


def wrapped(backend: Backend, wrapper: str) -> Callable[[int], FeatureStore]:
    return lambda port: WRAPPERS[wrapper](backend.make(port))


@pytest.mark.parametrize(
    ("wrapper", "mode"), [(wrapper, mode) for wrapper, modes in SHORT.items() for mode in modes]
)
async def test_it_stands_a_fault(backend: Backend, wrapper: str, mode: str) -> None:
    make = wrapped(backend, wrapper)
    outcome = await stand(make, HOST, backend.port, MODES[mode], backend.load)
    assert not outcome.errors  # lost rows instead


async def test_a_stalled_node_of_a_cluster_costs_its_own_rows(tmp_path: Path) -> None:
    with BACKENDS["redis-cluster"](tmp_path) as cluster:
        make = wrapped(cluster, "chunked")
        load = replace(cluster.load, requests=40, concurrency=2)
        outcome = await stand(make, HOST, cluster.port, MODES["stall"], load)
    assert outcome.rows["found"] > outcome.rows["late"]


@pytest.mark.long
@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("mode", MODES)
async def test_it_stands_ten_thousand_faulty_requests(
    backend: Backend, wrapper: str, mode: str, record_property: Callable[[str, object], None]
) -> None:
    load = replace(backend.load, requests=10_000, concurrency=REQUESTS_AT_ONCE)
    outcome = await stand(wrapped(backend, wrapper), HOST, backend.port, MODES[mode], load)
    record_property("outcome", str(outcome))
    assert outcome.requests == load.requests
