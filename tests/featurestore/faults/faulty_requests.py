"""One body of requests that every store must answer in time and rightly, whatever the network does.

A store's test makes a table of `table()` in a real server, and for each of `MODES` awaits

    await stand(lambda port: Store(port=port), "127.0.0.1", server_port, MODES[name])
"""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from featurestore import FeatureBatch, FeatureStore, Lost, StoreError
from idcolumn import IdColumn
from tests.featurestore.faults.leaks import (
    connections_gone,
    memory_bytes,
    memory_kept,
    nothing_left,
)
from tests.featurestore.faults.metronome import Metronome, pressed_s, queued_s
from tests.featurestore.faults.modes import (
    Cut,
    Delay,
    Drip,
    Garbage,
    Mode,
    Pass,
    Place,
    Reset,
    Stall,
)
from tests.featurestore.faults.proxy import Proxy

__all__ = ["ENTITY_TYPE", "FEATURES", "LONG", "MODES", "SHORT", "Load", "Outcome", "stand", "table"]

ENTITY_TYPE = "faulty"
FEATURES = ("alpha", "beta")
ROWS = 2_000
UNKNOWN = 200  # ids beyond the table that are asked for as well

MODES: dict[str, Mode] = {
    "cut": Cut(),
    "stall": Stall(),
    "drip": Drip(),
    "reset on accepting": Reset(),
    "reset in a reply": Reset(in_reply=True),
    "garbage instead": Garbage(Place.INSTEAD),
    "garbage before": Garbage(Place.BEFORE),
    "garbage inside": Garbage(Place.INSIDE),
    "slow requests": Delay(to_server_s=0.2),
    "slow replies": Delay(to_client_s=0.2),
}


@dataclass(frozen=True)
class Load:
    """How much is asked for, and what is allowed."""

    requests: int = 200
    concurrency: int = 20
    ids: int = 100
    deadline_s: float = 0.05
    beyond_s: float = 0.02  # what the machine took comes on top
    recovered_within_s: float = 2.0  # of those in which nothing waits for a CPU,
    patience_s: float = 20.0  # and of all
    settled_concurrency: int = 20  # of requests that must be answered whole,
    settled_deadline_s: float = 0.5  # and their deadline
    grown_mib: float = 40.0
    seed: int = 1


SHORT = Load()
LONG = Load(requests=10_000)


@dataclass
class Outcome:
    """What became of the requests; `wrong` says what must not have happened.

    Beside that, seconds from the fault's end to whole answers, the connections that the fault and
    the recovery took, and the memory that was kept.
    """

    requests: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    latest_s: float = 0.0
    wrong: list[str] = field(default_factory=list)
    recovered_s: float = 0.0
    connections: int = 0
    grown_mib: float = 0.0

    @property
    def whole(self) -> bool:
        """Every request was answered with every row."""
        return self.at_worst_late and not self.rows["late"]

    @property
    def at_worst_late(self) -> bool:
        """Nothing is amiss that a busy machine can't explain."""
        return not (self.errors or self.wrong or set(self.rows) - {"found", "unknown", "late"})

    def __str__(self) -> str:
        counts = f"{self.requests} requests, rows {dict(self.rows)}, errors {dict(self.errors)}"
        late = f"{self.latest_s * 1e3:.1f} ms beyond the deadline"
        recovery = f"whole {self.recovered_s:.2f} s later, {self.connections} connections"
        return f"{counts}, {late}, {recovery}, {self.grown_mib:.1f} MiB more"


def table() -> tuple[list[str], NDArray[np.float64]]:
    """Return ids and float64[n, 2] of FEATURES; an id's number can be read off either value."""
    numbers = np.arange(ROWS, dtype=float)
    return [f"arm-{i}" for i in range(ROWS)], _values(numbers)


def _values(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([1.0 + numbers, 0.5 + numbers / 4])


async def stand(
    make: Callable[[int], FeatureStore],
    host: str,
    port: int | None,
    mode: Mode,
    load: Load = SHORT,
) -> Outcome:
    """Assert that a store stands a fault and comes back from it; returns what happened under it.

    Parameters
    ----------
    make : callable
        Makes the store, which finds its server on 127.0.0.1 at the port it is given, and has one
        attempt at a request: no cache.
    host, port
        The server behind, with `table()` in it, as `Proxy` takes them.
    """
    await _once(make, host, port, load)  # packages are imported and open what they never close
    gc.collect()
    gc.freeze()  # as a worker does: a full collection of all that is imported takes 200 ms
    async with nothing_left():
        with Proxy(host, port) as proxy, Metronome() as metronome:
            store = make(proxy.port)
            try:
                return await _bout(store, proxy, mode, load, metronome)
            finally:
                await store.close()
                await connections_gone(proxy)


async def _once(
    make: Callable[[int], FeatureStore], host: str, port: int | None, load: Load
) -> None:
    with Proxy(host, port) as proxy:
        store = make(proxy.port)
        try:
            await _requests(store, load, load.concurrency, load.settled_deadline_s)
        finally:
            await store.close()


async def _bout(
    store: FeatureStore, proxy: Proxy, mode: Mode, load: Load, metronome: Metronome
) -> Outcome:
    await _recover(store, load)
    before, opened = memory_bytes(), proxy.opened
    proxy.set(mode)
    outcome = await _requests(store, load, load.requests, load.deadline_s, metronome)
    proxy.set(Pass())
    assert not outcome.wrong, f"{len(outcome.wrong)} wrong, such as {outcome.wrong[:3]}; {outcome}"
    assert outcome.errors or outcome.rows.total() > outcome.rows["found"] + outcome.rows["unknown"]
    outcome.recovered_s = await _recover(store, load)
    outcome.connections = proxy.opened - opened
    outcome.grown_mib = (memory_bytes() - before) / 2**20
    memory_kept(before, load.requests, load.grown_mib)
    return outcome


async def _recover(store: FeatureStore, load: Load) -> float:
    """Assert that soon all requests are answered whole, and stay so; after how many seconds."""
    load = replace(load, concurrency=load.settled_concurrency)
    since, pressed = time.monotonic(), pressed_s()
    while True:
        began = time.monotonic()
        outcome = await _requests(store, load, load.concurrency, load.settled_deadline_s)
        if outcome.whole:
            recovered_s = began - since
            outcome = await _requests(store, load, load.concurrency * 5, load.settled_deadline_s)
            if outcome.whole:
                return recovered_s
            assert outcome.at_worst_late, f"whole, and then not any more: {outcome}"
        assert began < since + load.patience_s, f"not whole after {load.patience_s} s: {outcome}"
        taken = began - since - (pressed_s() - pressed)
        assert taken < load.recovered_within_s, f"not whole after {taken:.1f} s: {outcome}"


async def _requests(
    store: FeatureStore,
    load: Load,
    count: int,
    deadline_s: float,
    metronome: Metronome | None = None,
) -> Outcome:
    outcome, random = Outcome(), np.random.default_rng(load.seed)
    wanted = iter(random.integers(0, ROWS + UNKNOWN, (count, load.ids)))

    async def client() -> None:
        for numbers in wanted:
            await asyncio.sleep(0)  # what is refused at once would keep the others waiting
            queued, deadline = queued_s(), time.monotonic() + deadline_s
            await _request(store, numbers, deadline, outcome)
            returned = time.monotonic()
            lost = metronome.lost(deadline, returned) if metronome else 0.0
            beyond = returned - deadline - max(lost, queued_s() - queued)
            outcome.latest_s = max(outcome.latest_s, beyond)
            if metronome and beyond > load.beyond_s:
                outcome.wrong.append(f"{beyond * 1e3:.1f} ms beyond the deadline")

    async with asyncio.TaskGroup() as group:
        for _ in range(load.concurrency):
            group.create_task(client())
    return outcome


async def _request(
    store: FeatureStore, numbers: NDArray[np.int64], deadline: float, outcome: Outcome
) -> None:
    ids = IdColumn.from_list([f"arm-{number}" for number in numbers])
    outcome.requests += 1
    try:
        batch = await store.fetch(ENTITY_TYPE, ids, FEATURES, deadline)
    except StoreError as error:
        outcome.errors[type(error).__name__] += 1
    else:
        _judge(batch, numbers, outcome)


def _judge(batch: FeatureBatch, numbers: NDArray[np.int64], outcome: Outcome) -> None:
    """Count the rows of an answer and note what is not true."""
    if batch.values.shape != (len(numbers), len(FEATURES)):
        outcome.wrong.append(f"{batch.values.shape} is the shape for {len(numbers)} ids")
        return
    known, lost = numbers < ROWS, batch.lost != Lost.NO
    spoilt = batch.found & (batch.values != _values(numbers.astype(float))).any(axis=1)
    faults = {
        "holds other values": spoilt,
        "is found and there is none": batch.found & ~known,
        "is both found and lost": batch.found & lost,
        "is missing without a flag": known & ~batch.found & ~lost,
    }
    for what, rows in faults.items():
        outcome.wrong += [f"arm-{number} {what}" for number in numbers[rows][:1]]
    outcome.rows["found"] += int(np.count_nonzero(batch.found))
    outcome.rows["unknown"] += int(np.count_nonzero(~known & ~lost))
    for reason in Lost:
        if reason is not Lost.NO and (count := int(np.count_nonzero(batch.lost == reason))):
            outcome.rows[reason.name.lower()] += count
