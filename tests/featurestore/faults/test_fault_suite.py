"""Every store over a network, behind its wrappers, stands every fault and comes back."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache

import pytest

from featurestore import Cached, CachedSettings, Chunked, FeatureStore
from tests.featurestore.faults.backends import BACKENDS, HOST, Backend
from tests.featurestore.faults.faulty_requests import MODES, stand

pytestmark = pytest.mark.anyio

# So short-lived that nearly every row of every request is asked of the store.
FLEETING = CachedSettings(10_000, ttl_s=0.001, negative_ttl_s=0.001, stale_s=0.0)
# What requests are answered from; nothing is served from an adapter without its breaker.
WRAPPERS: dict[str, Callable[[FeatureStore], FeatureStore]] = {
    "chunked": Chunked,
    "cached": lambda store: Cached(Chunked(store), FLEETING),
}
FEW = ("cut", "stall", "reset in a reply")
# What shares its connections with another store is put through fewer in the short run.
SHORT = [
    (name, wrapper, mode)
    for name in BACKENDS
    for wrapper, modes in (
        ("chunked", FEW if name in ("redis-cluster", "vertex") else MODES),
        ("cached", FEW[:2]),
    )
    for mode in modes
]
# At least; of Redis 20. A call of Vertex AI takes a millisecond of Python, so that 20 requests at
# once, behind a tier whose rows live as long, leave no CPU to it: overload, not a fault.
REQUESTS_AT_ONCE = 10


@pytest.fixture(scope="module")
def backend_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Backend]]:
    """Starts each server when it is first asked for."""
    with ExitStack() as servers:
        yield cache(
            lambda name: servers.enter_context(BACKENDS[name](tmp_path_factory.mktemp(name)))
        )


@pytest.fixture
def backend(name: str, backend_of: Callable[[str], Backend]) -> Backend:
    return backend_of(name)


def wrapped(backend: Backend, wrapper: str) -> Callable[[int], FeatureStore]:
    return lambda port: WRAPPERS[wrapper](backend.make(port))


@pytest.mark.parametrize(("name", "wrapper", "mode"), SHORT)
async def test_it_stands_a_fault(backend: Backend, wrapper: str, mode: str) -> None:
    make = wrapped(backend, wrapper)
    outcome = await stand(make, HOST, backend.port, MODES[mode], backend.load)
    assert not outcome.errors  # lost rows instead


async def test_a_stalled_node_of_a_cluster_costs_its_own_rows(
    backend_of: Callable[[str], Backend],
) -> None:
    cluster = backend_of("redis-cluster")
    load = replace(cluster.load, requests=40, concurrency=2)
    outcome = await stand(wrapped(cluster, "chunked"), HOST, cluster.port, MODES["stall"], load)
    assert outcome.rows["found"] > outcome.rows["late"]


@pytest.mark.long
@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BACKENDS)
async def test_it_stands_ten_thousand_faulty_requests(
    backend: Backend, wrapper: str, mode: str, record_property: Callable[[str, object], None]
) -> None:
    at_once = max(backend.load.concurrency, REQUESTS_AT_ONCE)
    load = replace(backend.load, requests=10_000, concurrency=at_once)
    outcome = await stand(wrapped(backend, wrapper), HOST, backend.port, MODES[mode], load)
    record_property("outcome", str(outcome))
    assert outcome.requests == load.requests
