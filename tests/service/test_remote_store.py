"""What a service says and answers when its store is reached over a network: slow, down, back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from inspect import iscoroutinefunction
from pathlib import Path

import httpx
import pytest

from featurestore import (
    Cached,
    CachedSettings,
    Chunked,
    ChunkedSettings,
    FaultyStore,
    MemoryStore,
    StoreUnavailable,
)
from service.app import create_app
from service.config import load_settings
from service.lifecycle import SERVING, Lifecycle

pytestmark = pytest.mark.anyio

DEFAULT = 'default_model = "lenient"'
LENIENT = """
[models.lenient]
version = "1"
policy = "greedy"
prior = { alpha = 1.0, beta = 3.0 }
deadline_ms = 60
"""
STRICT = """

[models.strict]
version = "1"
policy = "greedy"
prior = { alpha = 1.0, beta = 3.0 }
on_late_features = "fail"
"""
FEATURES = ("alpha", "beta")
KNOWN = {"a": (1.0, 1.0), "b": (3.0, 1.0)}
SOON_S = 5.0


@dataclass
class Flag:
    value: int = SERVING


@dataclass
class Node:
    """A worker's application in this process, and the store behind it."""

    store: FaultyStore
    client: httpx.AsyncClient

    async def predict(self, **body: object) -> httpx.Response:
        return await self.client.post("/predict", json={"candidates": ["a", "b", "c"], **body})

    async def health(self) -> tuple[int, str, str]:
        answer = await self.client.get("/health/ready")
        document = answer.json()
        return answer.status_code, document["status"], document["checks"]["store"]

    async def until(self, status: int, start: str) -> str:
        """Wait until health answers so; return what it says of the store."""
        deadline = time.monotonic() + SOON_S
        while time.monotonic() < deadline:
            code, _, store = await self.health()
            if code == status and store.startswith(start):
                return store
            await asyncio.sleep(0.01)
        raise AssertionError(f"health is {await self.health()}, not {status} {start}")


@asynccontextmanager
async def serving(
    folder: Path, models: str, *, hot_rows: int = 0, down: bool = False
) -> AsyncIterator[Node]:
    path = folder / "config.toml"
    path.write_text(models)
    store = FaultyStore(MemoryStore({"content": (FEATURES, KNOWN)}))
    store.error = StoreUnavailable("connection refused") if down else None
    chunked = Chunked(store, ChunkedSettings(hedge=False))
    tier = Cached(chunked, CachedSettings(hot_rows)) if hot_rows else chunked
    app = create_app(load_settings(path), tier, Lifecycle(Flag()))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield Node(store, client)


def test_other_servers_see_an_asgi_application(tmp_path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(LENIENT)
    store = Chunked(MemoryStore({"content": (FEATURES, KNOWN)}), ChunkedSettings())
    app = create_app(load_settings(path), store, Lifecycle(Flag()))
    assert iscoroutinefunction(type(app).__call__)  # by which they tell version 3


async def test_a_node_is_not_ready_before_it_has_reached_its_store(tmp_path) -> None:
    async with serving(tmp_path, LENIENT, down=True) as node:
        await node.until(503, "down: connection refused")
        assert (await node.predict()).json()["degraded"] is True
        node.store.error = None
        assert await node.until(200, "ok") == "ok"


async def test_a_store_that_went_down_degrades_the_node(tmp_path) -> None:
    async with serving(tmp_path, LENIENT) as node:
        await node.until(200, "ok")
        node.store.error = StoreUnavailable("connection refused")
        await node.until(200, "down: connection refused")
        assert (await node.health())[1] == "degraded"
        answer = (await node.predict(order="input")).json()
        assert (answer["scores"], answer["degraded"]) == ([0.25] * 3, True)
        node.store.error = None
        await node.until(200, "ok")


async def test_and_makes_it_unready_when_a_model_forbids_the_prior(tmp_path) -> None:
    async with serving(tmp_path, DEFAULT + LENIENT + STRICT) as node:
        await node.until(200, "ok")
        node.store.error = StoreUnavailable("connection refused")
        await node.until(503, "down: connection refused")
        assert (await node.predict(model="strict")).status_code == 503
        assert (await node.predict(model="lenient")).status_code == 200


async def test_a_slow_store_is_told_from_one_that_is_down(tmp_path) -> None:
    async with serving(tmp_path, LENIENT) as node:
        await node.until(200, "ok")
        node.store.delay_s = 0.1  # within a probe's time, beyond the model's
        for _ in range(5):
            assert (await node.predict()).json()["degraded"] is True
        code, status, store = await node.health()
        assert (code, status) == (200, "degraded")
        assert store.startswith("slow: ")
        node.store.delay_s = 0.0
        deadline = time.monotonic() + SOON_S
        while (await node.health())[1] != "ok":
            assert time.monotonic() < deadline
            await asyncio.gather(*(node.predict() for _ in range(8)))


async def test_the_hot_tier_carries_on_without_the_store(tmp_path) -> None:
    async with serving(tmp_path, LENIENT, hot_rows=100) as node:
        await node.until(200, "ok")
        first = (await node.predict(order="input")).json()
        assert (first["missing"], first["degraded"]) == (1, False)
        node.store.delay_s = 30.0
        second = (await node.predict(order="input")).json()
        assert (second["scores"], second["missing"]) == (first["scores"], 1)
        assert second["degraded"] is False
        third = (await node.predict(candidates=["a", "new"], order="input")).json()
        assert (third["scores"], third["degraded_candidates"]) == ([0.5, 0.25], 1)
