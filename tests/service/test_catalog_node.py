"""Catalogues of a real node: shared by its workers, current, and gone with it."""

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from featurestore import LmdbStore
from loadtest.processes import process_tree

SOON_S = 100.0
CONFIG = """
[models.m]
version = "1"
prior = { alpha = 2.0, beta = 30.0 }
[catalogs.videos]
refresh_s = 0.3
"""
COUNT = 50_000


def put(folder: Path, alpha: float) -> None:
    with LmdbStore.open(folder) as store:
        ids = [f"video-{i}" for i in range(COUNT)]
        store.write("content", ids, ("alpha", "beta"), np.full((COUNT, 2), alpha))


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def figures(service, name: str, label: str) -> dict[str, float]:
    answer = httpx.get(f"{service.url}/metrics")
    return {
        sample.labels[label]: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == f"bandit_serve_catalog_{name}"
    }


def readings(service) -> dict[str, float]:
    return figures(service, "readings_total", "outcome")


def versions(service) -> set[str]:
    return set(figures(service, "info", "version"))


def builders(service) -> list[tuple[int, int]]:
    """Return the pids of the builders that run, and of the workers that started them."""
    tree = process_tree(service.process.pid)
    found = []
    for pid in tree:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"service.catalogs.builder" in command:
            found.append((pid, parent))
    return found


def a_builder(service) -> tuple[int, int]:
    found: list[tuple[int, int]] = []
    until(lambda: found.extend(builders(service)) or found)
    return found[0]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder for temporary files of the services that are started."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_both_workers_follow_the_store_and_leave_nothing(start, tmp_path, folder: Path) -> None:
    put(tmp_path / "store", 1.0)
    service = start(tmp_path / "store", CONFIG, workers=2)
    until(lambda: len(versions(service)) == 1)
    (first,) = versions(service)
    put(tmp_path / "store", 2.0)
    until(lambda: figures(service, "adoptions_total", "outcome")["adopted"] == 4)
    until(lambda: first not in versions(service))
    assert len(versions(service)) == 1
    assert figures(service, "snapshot_arms", "catalog") == {"videos": COUNT}
    assert len(list(folder.glob("*/videos/*.arms"))) == 1
    assert service.stop() == 0
    assert list(folder.iterdir()) == []


def test_the_request_that_the_start_shows_is_answered(start, tmp_path) -> None:
    put(tmp_path / "store", 1.0)
    service = start(tmp_path / "store", CONFIG)
    until(lambda: '"catalog"' in service.log.read_text())
    lines = service.log.read_text().splitlines()
    assert "  catalog videos: table content, read every 0.3 s" in lines
    (shown,) = [line for line in lines if line.startswith("  curl") and '"catalog"' in line]
    answer = json.loads(subprocess.check_output(shlex.split(shown)))
    assert len(answer["candidates"]) == 5
    assert {answer["catalog"]["version"]} == versions(service)
    scores = service.scores(answer["candidates"], decision_id=answer["decision_id"])
    assert list(scores) == answer["candidates"]
    assert list(scores.values()) == answer["scores"]


def test_builders_and_workers_that_are_killed_are_replaced(start, tmp_path, folder: Path) -> None:
    put(tmp_path / "store", 1.0)
    service = start(tmp_path / "store", CONFIG, workers=2)
    os.kill(a_builder(service)[0], signal.SIGKILL)
    until(lambda: readings(service)["failed"] >= 1)
    assert len(versions(service)) == 1
    known = readings(service)["same"]
    until(lambda: readings(service)["same"] > known)
    service.await_ready()

    builder, worker = a_builder(service)
    os.kill(worker, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{builder}/cmdline").exists())
    (first,) = versions(service)
    put(tmp_path / "store", 2.0)
    until(lambda: versions(service) and first not in versions(service))
    assert len(list(folder.glob("*/videos/*.part"))) <= 1
