"""The parts of the benchmark."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.processes import cpu_seconds, free_port, process_tree, running
from loadtest.workload import predict_bodies

SPIN = "import time; t = time.process_time()\nwhile time.process_time() - t < 0.3: pass\ninput()"
NEST = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIN!r}], stdin=sys.stdin)"


def test_bodies_are_seeded_and_hold_distinct_ids() -> None:
    ids = [f"c{i}" for i in range(1000)]
    bodies = predict_bodies(ids, candidates=400, bodies=3, seed=1)
    assert bodies == predict_bodies(ids, candidates=400, bodies=3, seed=1)
    assert bodies != predict_bodies(ids, candidates=400, bodies=3, seed=2)
    for body in bodies:
        candidates = json.loads(body)["candidates"]
        assert len(set(candidates)) == 400
        assert set(candidates) <= set(ids)


def test_cpu_counts_children() -> None:
    with subprocess.Popen([sys.executable, "-c", NEST], stdin=subprocess.PIPE) as process:
        while cpu_seconds(process.pid) < 0.25:
            assert process.poll() is None
        assert len(process_tree(process.pid)) == 2
        process.communicate(b"\n")


def test_a_server_that_does_not_start_is_an_error() -> None:
    with (
        pytest.raises(RuntimeError, match="is not ready"),
        running([sys.executable, "-c", "pass"], free_port()),
    ):
        raise AssertionError("unreachable")


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_the_benchmark_measures_both_servers(tmp_path: Path) -> None:
    document = tmp_path / "bench.json"
    command = [sys.executable, "-m", "loadtest.bench", "--rows", "2000", "--rounds", "1"]
    command += ["--seconds", "1", "--workers", "1", "--json", str(document)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert "| empty reply |" in result.stdout
    rounds = json.loads(document.read_text())["rounds"]
    for name in ("predict", "empty reply"):
        (measured,) = rounds[name]
        assert measured["errors"] == 0
        assert measured["rps"] > 0
        assert measured["cpu_us"] > 0
    assert rounds["predict"][0]["cpu_us"] > rounds["empty reply"][0]["cpu_us"]
