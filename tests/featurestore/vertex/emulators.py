"""Emulators with given tables, and the settings of stores that read from them."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from typing import Any

from featurestore import FeatureStore
from featurestore.vertex import VertexSettings, open_store
from featurestore.vertex.conduct import Conduct
from featurestore.vertex.emulator import Emulator
from featurestore.vertex.tablefile import Table, Value

# By the name of a test's parameter: the kind of store, and what its settings say beside.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "vertex-legacy": ("vertex-legacy", {}),
    "vertex": ("vertex", {}),
    "vertex-fetch": ("vertex", {"batch": False}),
}

Rows = Mapping[str, Sequence[Value]]


def settings_for(port: int, **more: Any) -> VertexSettings:
    names = {"project": "p", "location": "l", "featurestore": "f", "feature_online_store": "s"}
    return VertexSettings(**names, endpoint=f"127.0.0.1:{port}", plaintext=True, **more)


@asynccontextmanager
async def emulator(
    tables: Mapping[str, tuple[tuple[str, ...], Rows]],
    conduct: Conduct | None = None,
    port: int = 0,
    **more: Any,
) -> AsyncIterator[Emulator]:
    """Serve tables, each by its features and its rows, in the running loop."""
    made = {name: Table(features, dict(rows)) for name, (features, rows) in tables.items()}
    serving = Emulator(made, conduct, **more)
    await serving.start(port)
    try:
        yield serving
    finally:
        await serving.stop()


@contextmanager
def emulator_process(
    tables: Mapping[str, tuple[tuple[str, ...], Rows]], conduct: Conduct | None = None
) -> Iterator[int]:
    """Serve tables in a process of its own, which starts in seconds, and yield its port."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    plain = {name: (features, dict(rows)) for name, (features, rows) in tables.items()}
    process = spawn.Process(target=_serve, args=(theirs, plain, conduct), daemon=True)
    process.start()
    try:
        assert ours.poll(60), "the emulator did not start"
        yield ours.recv()
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()
        theirs.close()


def _serve(pipe: Connection, tables: dict[str, Any], conduct: Conduct | None) -> None:
    async def serve() -> None:
        async with emulator(tables, conduct) as serving:
            pipe.send(serving.port)
            await asyncio.Event().wait()

    asyncio.run(serve())


def store_of(variant: str, port: int, **more: Any) -> FeatureStore:
    """Open a store of `VARIANTS` that reads from the emulator at a port."""
    kind, settings = VARIANTS[variant]
    return open_store(kind, settings_for(port, **{**settings, **more}))
