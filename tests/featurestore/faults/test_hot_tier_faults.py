"""What the hot tier serves while its store is away, and what it does when that is back."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from featurestore import Cached, CachedSettings, Chunked, FeatureBatch, Lost
from idcolumn import IdColumn
from tests.featurestore.faults.backends import HOST, Backend, redis
from tests.featurestore.faults.faulty_requests import ENTITY_TYPE, FEATURES, MODES
from tests.featurestore.faults.leaks import connections_gone, nothing_left
from tests.featurestore.faults.metronome import Metronome
from tests.featurestore.faults.modes import Pass
from tests.featurestore.faults.proxy import Proxy

pytestmark = pytest.mark.anyio

KNOWN = IdColumn.from_list([f"arm-{i}" for i in range(100)])
OTHERS = IdColumn.from_list([f"arm-{i}" for i in range(50, 150)])  # half of them known
TTL_S = 0.1
DEADLINE_S = 0.05
BEYOND_S = 0.02
RECOVERED_WITHIN_S = 2.0
FAULTS = ("cut", "stall", "drip", "reset on accepting", "garbage instead")


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with redis(tmp_path_factory.mktemp("redis")) as made:
        yield made


@asynccontextmanager
async def opened(backend: Backend) -> AsyncIterator[tuple[Cached, Proxy]]:
    async with nothing_left():
        with Proxy(HOST, backend.port) as proxy:
            settings = CachedSettings(10_000, TTL_S, TTL_S, stale_s=60.0)
            tier = Cached(Chunked(backend.make(proxy.port)), settings)
            try:
                yield tier, proxy
            finally:
                await tier.close()
                await connections_gone(proxy)


async def fetch(tier: Cached, ids: IdColumn, within_s: float = DEADLINE_S) -> FeatureBatch:
    await asyncio.sleep(0)  # what is in memory is answered at once
    return await tier.fetch(ENTITY_TYPE, ids, FEATURES, time.monotonic() + within_s)


@pytest.mark.parametrize("fault", FAULTS)
async def test_rows_in_memory_hide_a_fault_and_are_refreshed_after_it(
    backend: Backend, fault: str
) -> None:
    async with opened(backend) as (tier, proxy):
        with Metronome() as metronome:
            first = await fetch(tier, KNOWN, 1.0)
            assert first.found.all()
            proxy.set(MODES[fault])
            ends = time.monotonic() + 5 * TTL_S
            while time.monotonic() < ends:  # young, stale, claimed and released
                batch = await fetch(tier, KNOWN)
                assert batch.found.all()
                assert (batch.values == first.values).all()
                deadline = time.monotonic() + DEADLINE_S
                mixed = await fetch(tier, OTHERS)
                returned = time.monotonic()
                late = returned - deadline - metronome.lost(deadline, returned)
                assert late < BEYOND_S
                assert mixed.found[:50].all()
                assert not (mixed.found[50:] | (mixed.lost[50:] == Lost.NO)).any()
            assert batch.oldest_age_s > TTL_S
            proxy.set(Pass())
            ends = time.monotonic() + RECOVERED_WITHIN_S
            while True:
                others, known = await fetch(tier, OTHERS), await fetch(tier, KNOWN)
                if others.found.all() and known.oldest_age_s < 5 * TTL_S:
                    break
                assert time.monotonic() < ends, (others.lost, known.oldest_age_s)
