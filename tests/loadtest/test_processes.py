"""Bodies, and servers under test."""

import json
import subprocess
import sys

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
