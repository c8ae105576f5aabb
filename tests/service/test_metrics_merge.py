"""Figures of workers made one: what ended workers, damaged files and odd labels do."""

import json
import math
import os
import threading
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from featurestore import Cached, CachedSettings, Chunked, Histogram, Measurement, MemoryStore
from featurestore.measurement import counter, gauge, highest, histogram
from service.counts import Counts
from service.metrics import Figures
from service.metrics.folder import Folder
from service.metrics.process import start_ticks
from service.metrics.snapshot import Unreadable, decode, encode


class Part:
    """Says what it is told to."""

    def __init__(self, *figures: Measurement) -> None:
        self.figures = figures

    def measurements(self) -> tuple[Measurement, ...]:
        return self.figures


def sizes(*values: float) -> Histogram:
    made = Histogram((1.0, 2.0))
    for value in values:
        made.observe(value)
    return made


def part(times: int, *values: float) -> Part:
    return Part(
        counter("requests", "Requests.", times, status="200"),
        gauge("rows", "Rows.", times),
        highest("lag_seconds", "Lag.", times),
        histogram("size_bytes", "Size.", sizes(*values)),
    )


async def samples(figures: Figures) -> dict[str, float]:
    text = generate_latest(await figures.total()).decode()
    return {
        s.name + "".join(s.labels.values()): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


RUNNING = os.getppid(), start_ticks(os.getppid()) or 0
ENDED = os.getpid(), 1  # the pid runs again, as another process


@pytest.mark.anyio
async def test_levels_of_ended_workers_are_left_out_and_the_rest_stays(tmp_path) -> None:
    (tmp_path / "a.json").write_bytes(encode(*RUNNING, part(5, 0.5, 1.5).measurements()))
    (tmp_path / "b.json").write_bytes(encode(*ENDED, part(100, 9.0).measurements()))
    found = await samples(Figures([part(2, 1.0)], tmp_path))
    assert found == {
        "bandit_serve_requests_total200": 107,
        "bandit_serve_rows": 7,
        "bandit_serve_lag_seconds": 5,
        "bandit_serve_size_bytes_bucket1.0": 2,
        "bandit_serve_size_bytes_bucket2.0": 3,
        "bandit_serve_size_bytes_bucket+Inf": 4,
        "bandit_serve_size_bytes_count": 4,
        "bandit_serve_size_bytes_sum": 12,
        "bandit_serve_metrics_snapshots_skipped": 0,
    }


@pytest.mark.anyio
async def test_a_worker_alone_needs_no_folder() -> None:
    found = await samples(Figures([part(2)]))
    assert found["bandit_serve_requests_total200"] == 2


@pytest.mark.anyio
async def test_what_was_shown_is_published(tmp_path) -> None:
    await Figures([part(2)], tmp_path).total()
    (path,) = tmp_path.iterdir()
    assert decode(path.read_bytes()).measurements[0].value == 2


@pytest.mark.anyio
async def test_the_last_figures_are_published_at_the_end(tmp_path) -> None:
    mine = part(2)
    async with Figures([mine], tmp_path).running():
        mine.figures = part(3).figures
    (path,) = tmp_path.iterdir()
    assert decode(path.read_bytes()).measurements[0].value == 3


WHOLE = encode(*ENDED, part(1, 0.5).measurements())
FIGURE = ["a", "counter", "A.", 1, []]
DAMAGED = [
    *(WHOLE[:cut] for cut in range(0, len(WHOLE), 7)),
    b"\xff\x00",
    b"{}",
    b"[1, 2, 3]",
    *(
        json.dumps([1, 2, [[*FIGURE[:at], wrong, *FIGURE[at + 1 :]]]]).encode()
        for at, wrong in [
            *((0, 1), (1, "sum"), (2, None), (3, "1"), (3, [[1.0], [1], 2]), (4, [["a"]])),
            *((4, [["a", 1]]), (4, 1), (3, True)),
        ]
    ),
    *(
        json.dumps([1, 2, [["a", "histogram", "A.", wrong, []]]]).encode()
        for wrong in (1, [], [[1.0], [1], 2.0], [[2.0, 1.0], [1, 1, 1], 2.0], [[1.0], ["1", 1], 2])
    ),
]


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_bytes_are_no_snapshot(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(data)


@pytest.mark.anyio
async def test_damaged_snapshots_are_skipped_and_counted(tmp_path) -> None:
    for number, data in enumerate(DAMAGED[-5:]):
        (tmp_path / f"{number}.json").write_bytes(data)
    other_bounds = histogram("size_bytes", "Size.", Histogram((5.0,)))
    (tmp_path / "misfit.json").write_bytes(encode(*RUNNING, [other_bounds]))
    (tmp_path / "half.new").write_bytes(b"[1, 2")
    found = await samples(Figures([part(2, 1.0)], tmp_path))
    assert found["bandit_serve_metrics_snapshots_skipped"] == 6
    assert found["bandit_serve_requests_total200"] == 2
    assert found["bandit_serve_size_bytes_count"] == 1


@pytest.mark.anyio
async def test_a_figure_that_is_not_finite_spoils_no_other(tmp_path) -> None:
    odd = [gauge("rows", "Rows.", float("nan")), counter("requests", "R.", 1, status="200")]
    (tmp_path / "a.json").write_bytes(encode(*RUNNING, odd))
    found = await samples(Figures([part(2)], tmp_path))
    assert found["bandit_serve_rows"] == 2
    assert found["bandit_serve_requests_total200"] == 3


@pytest.mark.anyio
async def test_any_name_of_a_model_comes_back_from_the_text(tmp_path) -> None:
    name = 'it\'s "quoted"\nand \\ {broken}, ü'
    figures = Figures([Counts([name])], tmp_path)
    (tmp_path / "a.json").write_bytes(encode(*RUNNING, Counts([name]).measurements()))
    text = generate_latest(await figures.total()).decode()
    labels = {
        s.labels["model"]
        for family in text_string_to_metric_families(text)
        for s in family.samples
        if "model" in s.labels
    }
    assert labels == {name}


@pytest.mark.anyio
async def test_a_folder_that_is_gone_stops_nothing(tmp_path, caplog) -> None:
    figures = Figures([part(2)], tmp_path / "gone")
    for _ in range(2):
        assert (await samples(figures))["bandit_serve_requests_total200"] == 2
    assert len(caplog.records) == 1


def test_figures_of_a_store_over_a_network_are_read_by_other_workers() -> None:
    store = Cached(Chunked(MemoryStore()), CachedSettings(10))
    own = [figure for figure in store.measurements() if figure.value != math.inf]
    assert [m.name for m in decode(encode(1, 1, own)).measurements] == [m.name for m in own]


def end(folder: Path, name: str, times: int) -> Path:
    """Leave the file of a worker that has ended; whole or not at all, as workers write."""
    path = folder / f"{name}.json"
    path.with_suffix(".new").write_bytes(encode(*ENDED, part(times, 0.5).measurements()))
    return path.with_suffix(".new").replace(path)


async def start_and_end(folder: Path, times: int) -> dict[str, float]:
    mine = Figures([part(times, 1.0)], folder)
    async with mine.running():
        return await samples(mine)


@pytest.mark.anyio
async def test_workers_that_end_again_and_again_leave_two_files_and_every_count(tmp_path) -> None:
    for number in range(20):
        end(tmp_path, f"ended-{number}", 3)
        found = await start_and_end(tmp_path, 1)
        assert found["bandit_serve_requests_total200"] == 3 * (number + 1) + 1
        assert found["bandit_serve_size_bytes_count"] == number + 2
        assert found["bandit_serve_rows"] == 1
        assert found["bandit_serve_metrics_snapshots_skipped"] == 0
        assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.anyio
async def test_a_crash_between_two_steps_neither_loses_nor_doubles_a_count(tmp_path) -> None:
    for name in ("a", "b"):
        end(tmp_path, name, 3)
    assert (await start_and_end(tmp_path, 1))["bandit_serve_requests_total200"] == 7
    # The sum was written and one of its files not deleted any more; a next sum was begun
    end(tmp_path, "a", 3)
    (tmp_path / "ended.new").write_bytes(b"[0, [")
    end(tmp_path, "c", 5)
    reader = Figures([part(1)], tmp_path)
    assert (await samples(reader))["bandit_serve_requests_total200"] == 12
    for _ in range(2):
        assert (await start_and_end(tmp_path, 1))["bandit_serve_requests_total200"] == 12
    assert sorted(path.name for path in tmp_path.glob("[a-z]*")) == ["ended.sum"]


@pytest.mark.anyio
async def test_a_damaged_sum_is_counted_and_left_alone(tmp_path) -> None:
    (tmp_path / "ended.sum").write_bytes(b"[0, [")
    end(tmp_path, "a", 3)
    found = await start_and_end(tmp_path, 1)
    assert found["bandit_serve_requests_total200"] == 4
    assert found["bandit_serve_metrics_snapshots_skipped"] == 1


@pytest.mark.anyio
async def test_files_of_workers_that_run_or_are_damaged_are_not_folded(tmp_path) -> None:
    (tmp_path / "runs.json").write_bytes(encode(*RUNNING, part(5).measurements()))
    (tmp_path / "damaged.json").write_bytes(b"")
    end(tmp_path, "ended", 3)
    found = await start_and_end(tmp_path, 1)
    assert found["bandit_serve_requests_total200"] == 9
    assert found["bandit_serve_rows"] == 6
    assert found["bandit_serve_metrics_snapshots_skipped"] == 1
    assert {"runs.json", "damaged.json"} < {path.name for path in tmp_path.iterdir()}


@pytest.mark.anyio
async def test_a_scrape_while_others_fold_sees_every_count_once(tmp_path) -> None:
    rounds = 150

    def churn(prefix: str) -> None:
        for number in range(rounds):
            end(tmp_path, f"{prefix}{number}", 1)
            Folder(tmp_path, "none").fold()

    threads = [threading.Thread(target=churn, args=(prefix,)) for prefix in "xyz"]
    reader, seen = Figures([part(0)], tmp_path), [0.0]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append((await samples(reader))["bandit_serve_requests_total200"])
    for thread in threads:
        thread.join()
    seen.append((await samples(reader))["bandit_serve_requests_total200"])
    assert seen == sorted(seen)
    assert seen[-1] == 3 * rounds
