"""What a worker does for its catalogues beside answering requests, and what it says of them."""

import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bandit import Arms
from featurestore import Measurement
from featurestore.measurement import counter, highest
from service.catalogs.catalog import Catalogs
from service.catalogs.keeper import Keeper
from service.config import Settings

__all__ = ["Keepers"]


class Keepers:
    """Keeps every catalogue of a worker current.

    Parameters
    ----------
    catalogs : Catalogs
        Those that requests are answered from.
    settings : Settings
        Of the service.
    folder : Path or None
        Shared by the workers of a node; None: this worker is the only one.
    prepare : function
        Is called in a thread with the arms of a snapshot that is about to be adopted.
    """

    def __init__(
        self,
        catalogs: Catalogs,
        settings: Settings,
        folder: Path | None,
        prepare: Callable[[Arms], None],
    ) -> None:
        self._keepers = [Keeper(catalog, settings, prepare) for catalog in catalogs]
        self._folder = folder

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work in the background for as long as the block lasts."""
        if not self._keepers:
            yield
            return
        async with AsyncExitStack() as stack:
            folder = self._folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for keeper in self._keepers:
                await stack.enter_async_context(keeper.running(folder))
            yield

    def checks(self) -> Iterator[tuple[str, bool, str]]:
        """Yield each catalogue's name, whether requests can be answered, and how it is."""
        for keeper in self._keepers:
            there = keeper.catalog.snapshot is not None
            yield keeper.catalog.settings.name, there, _stale(keeper) if there else _first(keeper)

    def measurements(self) -> Iterator[Measurement]:
        """See `featurestore.Measured.measurements`."""
        for keeper in self._keepers:
            yield from _measured(keeper)


def _first(keeper: Keeper) -> str:
    """How far the first reading is."""
    state = keeper.state
    if keeper.trouble:
        return f"starting: {keeper.trouble}"
    if state.share is not None:
        return f"starting: {state.share:.0%} read"
    return f"starting: {state.arms:,} arms read" if state.arms else "starting"


def _stale(keeper: Keeper) -> str:
    trouble = keeper.trouble
    settings, age_s = keeper.catalog.settings, _age_s(keeper)
    if not trouble and age_s > 2 * settings.refresh_s + settings.timeout_s:
        trouble = f"read {age_s:.0f} s ago"
    return f"stale: {trouble}" if trouble else "ok"


def _age_s(keeper: Keeper) -> float:
    """Seconds since what requests are answered from was so in the store, at the latest."""
    snapshot, state = keeper.catalog.snapshot, keeper.state
    if snapshot is None:
        return 0.0
    read_at = state.read_at if state.version == snapshot.version else snapshot.built_at
    return max(0.0, time.time() - read_at)


def _measured(keeper: Keeper) -> Iterator[Measurement]:
    name, snapshot = keeper.catalog.settings.name, keeper.catalog.snapshot
    about = "Readings of a catalogue; `same` found nothing new, of `failed` the log says why."
    for outcome, times in keeper.readings.items():
        yield counter("catalog_readings", about, times, catalog=name, outcome=outcome)
    about = "Snapshots of a catalogue that workers mapped, or failed to."
    for outcome, times in keeper.adoptions.items():
        yield counter("catalog_adoptions", about, times, catalog=name, outcome=outcome)
    about = (
        "Rows of the latest reading: broken (no id of 1 to 256 bytes) and affix (not of the "
        "model's template) were left out, repeated gave way to a later one, tags had bits that no "
        "tag is declared for."
    )
    for oddity, rows in keeper.state.oddities.items():
        yield highest("catalog_odd_rows", about, rows, catalog=name, oddity=oddity)
    arms = 0 if snapshot is None else len(snapshot.arms)
    yield highest(
        "catalog_snapshot_arms", "Arms of a catalogue; 0 before its first.", arms, catalog=name
    )
    about = "Arms of a catalogue for which the prior stands in, their features not being fit."
    missing = 0 if snapshot is None else snapshot.missing
    yield highest("catalog_missing_arms", about, missing, catalog=name)
    about = "Size of a catalogue's snapshot, one copy for all workers of a node."
    yield highest("catalog_bytes", about, keeper.bytes, catalog=name)
    if snapshot is not None:
        about = "Time since a worker's snapshot was what the store held; alert on it."
        yield highest("catalog_age_seconds", about, _age_s(keeper), catalog=name)
        about = "Always 1; its label says which snapshot a worker answers from."
        yield highest("catalog_info", about, 1, catalog=name, version=snapshot.version)
