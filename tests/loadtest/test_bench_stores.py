"""The benchmarks of stores, from end to end."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MISSING = [name for name in ("wrk", "redis-server") if shutil.which(name) is None]
MISSING += ["redis"] if importlib.util.find_spec("redis") is None else []


def run(module: str, document: Path, *options: str) -> tuple[str, dict[str, Any]]:
    command = [sys.executable, "-m", module, "--rows", "2000", "--rounds", "1", "--seconds", "1"]
    command += ["--json", str(document), *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=110, check=True)
    return result.stdout, json.loads(document.read_text())


@pytest.mark.long
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_the_stores_are_measured_side_by_side(tmp_path: Path) -> None:
    table, document = run("loadtest.bench", tmp_path / "b.json", "--stores", "--workers", "1")
    rounds = {name: measured for name, (measured,) in document["rounds"].items()}
    assert list(rounds) == ["embedded", "redis, no hot tier", "redis, hot tier", "empty reply"]
    assert all(measured["errors"] == 0 for measured in rounds.values())
    assert rounds["redis, no hot tier"]["store_cpu_us"] > 0
    assert rounds["embedded"]["store_cpu_us"] == 0
    assert "redis-server's CPU" in table


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("google") is None, reason="needs bandit-serve[vertex]")
def test_the_tail_is_measured_with_and_without_hedging(tmp_path: Path) -> None:
    table, document = run("loadtest.tail", tmp_path / "t.json", "--rate", "10")
    assert [len(each) for each in document["answers"].values()] == [10, 10, 10]
    for each in document["answers"].values():
        assert {answer["error"] for answer in each} == {""}
        assert all(answer["features_ms"] > 0 for answer in each)
    assert "| one call in fifty slow, hedging |" in table
