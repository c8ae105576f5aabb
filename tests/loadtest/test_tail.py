"""The benchmark of the tail, from end to end."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def run(document: Path, *options: str) -> tuple[str, dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "loadtest.tail",
        "--rows",
        "2000",
        "--rounds",
        "1",
        "--seconds",
        "1",
    ]
    command += ["--json", str(document), *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=110, check=True)
    return result.stdout, json.loads(document.read_text())


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("google") is None, reason="needs bandit-serve[vertex]")
def test_the_tail_is_measured_with_and_without_hedging(tmp_path: Path) -> None:
    table, document = run(tmp_path / "t.json", "--rate", "10")
    assert [len(each) for each in document["answers"].values()] == [10, 10, 10]
    for each in document["answers"].values():
        assert {answer["error"] for answer in each} == {""}
        assert all(answer["features_ms"] > 0 for answer in each)
    assert "| one call in fifty slow, hedging |" in table
