"""Real servers of every store over a network, with the table of `faulty_requests` in them."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from featurestore import FeatureStore
from tests.featurestore.faults.faulty_requests import ENTITY_TYPE, FEATURES, Load, table
from tests.featurestore.redis import servers

__all__ = ["BACKENDS", "HOST", "Backend"]

HOST = "127.0.0.1"
REQUESTS = Load(requests=100)


@dataclass(frozen=True)
class Backend:
    """A server, how a store finds it through a proxy, and what can be asked of it at once."""

    port: int
    make: Callable[[int], FeatureStore]
    load: Load = REQUESTS


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[Backend]:
    from featurestore.redis import RedisSettings, RedisStore, RedisTables

    with servers.server(folder) as made:
        with RedisTables(RedisSettings(made.url)) as tables:
            ids, values = table()
            tables.write(ENTITY_TYPE, ids, FEATURES, values)
        yield Backend(made.port, lambda port: RedisStore(RedisSettings(f"redis://{HOST}:{port}")))


@contextlib.contextmanager
def redis_cluster(folder: Path) -> Iterator[Backend]:
    """Three nodes, of which the first tells everybody to reach it through the proxy."""
    from featurestore.redis import RedisSettings, RedisStore, RedisTables

    with servers.cluster(folder) as made:
        seeds = made.seeds

        def announced(port: int) -> bool:
            told = [str(made.command(i, "CLUSTER", "SLOTS")) for i in range(3)]
            return all(f" {port}," in slots for slots in told)

        def announce(port: int) -> None:
            made.command(0, "CONFIG", "SET", "cluster-announce-port", port)
            servers.eventually(lambda: announced(port), f"port {port} is not announced")

        def store(port: int) -> FeatureStore:
            announce(port)
            return RedisStore(RedisSettings(f"redis://{HOST}:{port}", cluster=True, seeds=seeds))

        with RedisTables(RedisSettings(made.url, cluster=True, seeds=seeds)) as tables:
            ids, values = table()
            tables.write(ENTITY_TYPE, ids, FEATURES, values)
        yield Backend(made.nodes[0].port, store)


def _vertex(variant: str) -> Callable[[Path], contextlib.AbstractContextManager[Backend]]:
    @contextlib.contextmanager
    def serving(_: Path) -> Iterator[Backend]:
        pytest.importorskip("grpc", reason="needs pip install 'bandit-serve[vertex]'")
        from tests.featurestore.vertex import emulators

        ids, values = table()
        rows = dict(zip(ids, values.tolist(), strict=True))
        load = Load(requests=100, concurrency=10, settled_concurrency=10, settled_deadline_s=1.0)
        with emulators.emulator_process({ENTITY_TYPE: (FEATURES, rows)}) as port:
            yield Backend(port, lambda port: emulators.store_of(variant, port), load)

    return serving


@contextlib.contextmanager
def feast(folder: Path) -> Iterator[Backend]:
    from featurestore.feast import FeastSettings, FeastStore
    from tests.featurestore.feast.servers import View, serving

    ids, values = table()
    rows = dict(zip(ids, values.tolist(), strict=True))
    load = Load(requests=60, concurrency=4, ids=20, settled_concurrency=4, settled_deadline_s=1.0)
    with serving(folder, {ENTITY_TYPE: View(FEATURES, rows, f"{ENTITY_TYPE}_id")}) as server:
        yield Backend(
            server.port, lambda port: FeastStore(FeastSettings(f"http://{HOST}:{port}")), load
        )


BACKENDS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Backend]]] = {
    "redis": redis,
    "redis-cluster": redis_cluster,
    "vertex": _vertex("vertex"),
    "vertex-legacy": _vertex("vertex-legacy"),
    "feast": feast,
}
