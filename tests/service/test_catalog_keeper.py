"""Catalogues are read, adopted by all, and kept whatever becomes of a reading or a worker."""

import asyncio
import ctypes
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from bandit import CpuSampler
from featurestore import Chunked, ChunkedSettings, MemoryStore
from service.app import create_app
from service.catalogs import keeper
from service.catalogs.catalog import Catalog, Catalogs
from service.catalogs.keepers import Keepers
from service.catalogs.snapshot import Snapshot
from service.config import Settings, load_settings
from service.lifecycle import SERVING, Lifecycle

pytestmark = pytest.mark.anyio

SOON_S = 100.0
CONFIG = """
[models.m]
version = "1"
prior = { alpha = 2.0, beta = 30.0 }
[catalogs.c]
tags = ["kids", "sports"]
refresh_s = 0.1
"""


def settings_of(folder: Path, path: Path, more: str = "") -> Settings:
    config = folder / "config.toml"
    config.write_text(f'{CONFIG}path = "{path}"\n{more}')
    return load_settings(config)


def write(path: Path, alpha: float, count: int = 3) -> None:
    rows = "".join(f"a{i},{alpha},1,2\n" for i in range(count))
    aside = path.with_suffix(".new")
    aside.write_text("id,alpha,beta,tags\n" + rows)
    aside.replace(path)


@dataclass
class Worker:
    """What a worker does for its catalogue, in this process."""

    catalog: Catalog
    keepers: Keepers

    @property
    def alpha(self) -> list[float]:
        snapshot = self.catalog.snapshot
        return [] if snapshot is None else sorted(set(snapshot.arms.alpha.tolist()))

    def check(self) -> tuple[bool, str]:
        ((name, there, said),) = self.keepers.checks()
        assert name == "c"
        return there, said

    def figures(self, name: str) -> list:
        return [figure.value for figure in self.keepers.measurements() if figure.name == name]


@asynccontextmanager
async def working(settings: Settings, folder: Path) -> AsyncIterator[Worker]:
    catalogs = Catalogs.of(settings.catalogs)
    keepers = Keepers(catalogs, settings, folder, CpuSampler().prepare)
    async with keepers.running():
        yield Worker(catalogs.by_name["c"], keepers)


def writing_end(pipe: Path) -> list[int]:
    """Return a descriptor, on whose closing a reading ends, or none where nobody reads."""
    try:
        return [os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)]
    except OSError:
        return []


def has_reader(pipe: Path) -> bool:
    ends = writing_end(pipe)
    for end in ends:
        os.close(end)
    return bool(ends)


def builder() -> int:
    """Return the process that reads for a worker of this one."""
    tasks = Path("/proc/self/task").glob("*/children")
    children = {int(child) for task in tasks for child in task.read_text().split()}
    commands = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    (found,) = (child for child, command in commands.items() if b"catalogs.builder" in command)
    return found


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_one_worker_reads_and_all_adopt(tmp_path) -> None:
    arms = tmp_path / "arms.csv"
    write(arms, 5.0)
    settings = settings_of(tmp_path, arms)
    async with working(settings, tmp_path) as one, working(settings, tmp_path) as other:
        assert one.check() == (False, "starting")
        for alpha in (5.0, 7.0):
            write(arms, alpha)
            await until(lambda wanted=alpha: one.alpha == other.alpha == [wanted])
        await until(lambda: one.check() == other.check() == (True, "ok"))
        assert one.catalog.snapshot.version == other.catalog.snapshot.version
        assert one.figures("catalog_adoptions") == other.figures("catalog_adoptions") == [2, 0]
        readers = sorted(sum(worker.figures("catalog_readings")) for worker in (one, other))
        assert readers[0] == 0
        await until(lambda: max(w.figures("catalog_readings")[1] for w in (one, other)) > 0)
        assert one.figures("catalog_snapshot_arms") == [3]
        assert one.figures("catalog_age_seconds")[0] < SOON_S
        (left,) = (tmp_path / "c").glob("*.arms")
        assert one.figures("catalog_bytes") == [left.stat().st_size]


async def test_a_failure_leaves_the_old_snapshot_until_it_is_mended(tmp_path, caplog) -> None:
    arms = tmp_path / "arms.csv"
    async with working(settings_of(tmp_path, arms), tmp_path) as worker:
        await until(lambda: "No such file" in worker.check()[1])
        assert worker.check()[0] is False
        write(arms, 5.0)
        await until(lambda: worker.alpha == [5.0])
        await until(lambda: worker.check() == (True, "ok"))
        arms.write_text("id,alpha\n")
        await until(lambda: "stale: " in worker.check()[1])
        assert worker.check()[0] is True
        assert "there must be one column 'beta'" in worker.check()[1]
        assert worker.alpha == [5.0]
        assert worker.figures("catalog_readings")[2] >= 2
        write(arms, 7.0)
        await until(lambda: worker.alpha == [7.0])
        await until(lambda: worker.check() == (True, "ok"))
    assert caplog.text.count("reading catalogue c failed, 1 times in a row") == 2
    assert caplog.text.count("reading catalogue c works again") == 2


async def test_how_far_it_is_is_logged_for_people_once(tmp_path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(keeper, "LOGGED_S", 0.0)
    caplog.set_level("DEBUG", "bandit_serve.catalogs")
    arms = tmp_path / "arms.csv"
    write(arms, 5.0, 20_000)
    async with working(settings_of(tmp_path, arms), tmp_path) as worker:
        await until(lambda: worker.alpha == [5.0])
        await until(lambda: worker.figures("catalog_readings")[1] > 1)
    levels = [record.levelname for record in caplog.records if "of the rows read" in record.message]
    later = levels[levels.index("DEBUG") :]
    assert levels[0] == "INFO"
    assert set(later) == {"DEBUG"}


async def test_arms_that_get_the_prior_are_told_once_a_change(tmp_path, caplog) -> None:
    arms = tmp_path / "arms.csv"
    said = "catalogue c: the prior stands in for {} of 4 arms: alpha or beta is no positive number"
    async with working(settings_of(tmp_path, arms), tmp_path) as worker:
        for unfit, alphas in ((2, "x-5"), (1, "57x"), (0, "579")):
            rows = "".join(f"a{i},{alpha},1,2\n" for i, alpha in enumerate(alphas + "3"))
            part = tmp_path / "part"
            part.write_text("id,alpha,beta,tags\n" + rows)
            part.replace(arms)
            await until(lambda wanted=unfit: worker.figures("catalog_missing_arms") == [wanted])
            same = worker.figures("catalog_readings")[1]
            await until(lambda seen=same: worker.figures("catalog_readings")[1] > seen + 1)
    warned = [message for message in caplog.messages if "the prior stands in" in message]
    assert warned == [said.format(2), said.format(1)]


async def test_who_reads_an_old_snapshot_reads_it_to_its_end(tmp_path) -> None:
    arms, count = tmp_path / "arms.csv", 20_000
    write(arms, 5.0, count)
    async with working(settings_of(tmp_path, arms), tmp_path) as worker:
        await until(lambda: worker.alpha == [5.0])
        old: Snapshot = worker.catalog.snapshot
        before = [column.tobytes() for column in (old.arms.alpha, old.arms.lanes, old.arms.tags)]
        ids = old.ids(np.arange(count)).tolist()
        write(arms, 7.0, count)
        await until(lambda: worker.alpha == [7.0])
        for alpha in (8.0, 9.0):
            write(arms, alpha, count)
            await until(lambda wanted=alpha: worker.alpha == [wanted])
            columns = (old.arms.alpha, old.arms.lanes, old.arms.tags)
            assert [column.tobytes() for column in columns] == before
            assert old.ids(np.arange(count)).tolist() == ids
        assert worker.catalog.snapshot.version != old.version


def lock_in_memory(column: np.ndarray) -> None:
    """Keep its page from being let go, as `mlockall` would."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlock(ctypes.c_void_p(column.ctypes.data), ctypes.c_size_t(column.nbytes)):
        pytest.skip(f"memory can't be locked here: {os.strerror(ctypes.get_errno())}")


async def test_pages_that_can_not_be_let_go_are_told(tmp_path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(keeper, "HELD_S", 0.0)
    arms = tmp_path / "arms.csv"
    write(arms, 5.0)
    async with working(settings_of(tmp_path, arms), tmp_path) as worker:
        await until(lambda: worker.alpha == [5.0])
        lock_in_memory(worker.catalog.snapshot.arms.alpha)
        write(arms, 7.0)
        await until(lambda: "catalogue c: old pages can't be let go: " in caplog.text)
        assert worker.alpha == [7.0]


async def test_another_worker_takes_over(tmp_path) -> None:
    arms = tmp_path / "arms.csv"
    write(arms, 5.0)
    settings = settings_of(tmp_path, arms)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(working(settings, tmp_path))
        await until(lambda: first.alpha == [5.0])
        async with working(settings, tmp_path) as second:
            await until(lambda: second.alpha == [5.0])
            assert sum(second.figures("catalog_readings")) == 0
            await stack.aclose()
            write(arms, 7.0)
            await until(lambda: second.alpha == [7.0])
            assert second.figures("catalog_readings")[0] == 1


async def test_a_damaged_snapshot_is_refused_and_replaced_by_the_next(tmp_path) -> None:
    arms = tmp_path / "arms.csv"
    write(arms, 5.0)
    async with working(settings_of(tmp_path, arms), tmp_path) as one:
        await until(lambda: one.alpha == [5.0])
        (path,) = (tmp_path / "c").glob("*.arms")
        part = path.with_suffix(".cut")
        part.write_bytes(path.read_bytes()[:-1])
        part.replace(path)  # what is mapped stays whole
        async with working(settings_of(tmp_path, arms), tmp_path) as other:
            await until(lambda: "it is not whole" in other.check()[1])
            assert other.catalog.snapshot is None
            write(arms, 7.0)
            await until(lambda: other.alpha == one.alpha == [7.0])
            await until(lambda: other.check() == (True, "ok"))
            assert other.figures("catalog_adoptions")[1] > 0


async def test_a_reading_that_hangs_is_ended(tmp_path) -> None:
    pipe = tmp_path / "arms.csv"
    os.mkfifo(pipe)
    async with working(settings_of(tmp_path, pipe, "timeout_s = 1.0"), tmp_path) as worker:
        await until(lambda: "longer than timeout_s, 1 s, and was ended" in worker.check()[1])
    write(pipe, 5.0)


async def test_a_reading_that_nobody_waits_for_leaves_the_cpus_to_requests(tmp_path) -> None:
    arms, pipe = tmp_path / "arms.csv", tmp_path / "pipe"
    write(arms, 5.0)
    os.mkfifo(pipe)
    async with working(settings_of(tmp_path, arms), tmp_path) as worker:
        await until(lambda: worker.alpha)
        known = sum(worker.figures("catalog_readings"))
        await until(lambda: sum(worker.figures("catalog_readings")) > known + 1)
        arms.unlink()
        arms.symlink_to(pipe)
        ends: list[int] = []
        await until(lambda: ends.extend(writing_end(pipe)) or ends)
        assert os.getpriority(os.PRIO_PROCESS, builder()) == 19
        assert len(os.sched_getaffinity(builder())) == 1
        os.close(ends[0])


async def test_a_worker_that_ends_does_not_wait_for_a_reading(tmp_path) -> None:
    pipe = tmp_path / "arms.csv"
    os.mkfifo(pipe)
    async with working(settings_of(tmp_path, pipe), tmp_path):
        await until(lambda: has_reader(pipe))
        began = time.monotonic()
    assert time.monotonic() - began < SOON_S / 2


async def test_a_snapshot_that_vanished_is_written_again(tmp_path) -> None:
    arms = tmp_path / "arms.csv"
    write(arms, 5.0)
    settings, shared = settings_of(tmp_path, arms), tmp_path / "shared"
    shared.mkdir()
    async with working(settings, shared) as first:
        await until(lambda: first.alpha == [5.0])
        shutil.rmtree(shared)
        async with working(settings, shared) as second:  # as one that takes another's place
            await until(lambda: second.alpha == [5.0])
            await until(lambda: first.check() == second.check() == (True, "ok"))


async def test_rows_that_go_back_to_what_they_were_are_adopted(tmp_path) -> None:
    arms = tmp_path / "arms.csv"
    async with working(settings_of(tmp_path, arms), tmp_path) as worker:
        for alpha in (5.0, 7.0) * 4:
            write(arms, alpha)
            await until(lambda: worker.figures("catalog_readings")[0] >= 1)
        await until(lambda: worker.alpha == [7.0] and worker.check() == (True, "ok"))


@dataclass
class Flag:
    value: int = SERVING


async def test_a_node_is_ready_once_it_has_its_catalogues(tmp_path) -> None:
    arms = tmp_path / "arms.csv"
    store = Chunked(MemoryStore({}), ChunkedSettings())
    app = create_app(settings_of(tmp_path, arms), store, Lifecycle(Flag()))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):

        async def until_health(code: int, status: str, said: str) -> None:
            deadline = time.monotonic() + SOON_S
            while time.monotonic() < deadline:
                answer = await client.get("/health/ready")
                document = answer.json()
                if answer.status_code == code and said in document["checks"]["catalog c"]:
                    assert document["status"].startswith(status)
                    return
                await asyncio.sleep(0.01)
            raise AssertionError(document)

        await until_health(503, "catalog c starting: ", "No such file")
        assert (await client.post("/predict", json={"candidates": ["a"]})).status_code == 200
        write(arms, 5.0)
        await until_health(200, "ok", "ok")
        arms.unlink()
        await until_health(200, "degraded", "stale: ")
