"""`load --mode add`: counts and events on top of what arms have."""

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from featurestore import LmdbStore
from service.data import load

COUNTS = "id,successes,trials\na,1,4\nnew,0,2\na,2,2\n"
EVENTS = "id,reward\nnew,1\na,0\na,1\na,1\n"

Rows = dict[str, tuple[float, ...]]
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command on a store with the arm a, Beta(10, 20)."""
    with LmdbStore.open(tmp_path / "store") as store:
        store.write("content", ["a"], ("alpha", "beta"), np.array([[10.0, 20.0]]))

    def invoke(text: str, *arguments: object) -> Result:
        options = ["-", "--store", tmp_path / "store", "--mode", "add", "--prior", "2,8"]
        return CliRunner().invoke(load, list(map(str, [*options, *arguments])), input=text)

    return invoke


def rows_in(tmp_path: Path) -> Rows:
    rows: Rows = {}
    with LmdbStore.open(tmp_path / "store") as store:
        for ids, values in store.scan("content"):
            rows.update(zip(ids.tolist(), map(tuple, values.tolist()), strict=True))
    return rows


@pytest.mark.parametrize("batch", [1, 2, 50_000])
def test_counts_of_all_rows_are_added(tmp_path: Path, run: Run, batch: int) -> None:
    result = run(COUNTS, "--batch", batch)
    assert result.exit_code == 0
    form, read, added, there = result.stdout.splitlines()
    assert form == (
        "counts from the columns id, successes, trials: alpha += successes, beta += trials - "
        "successes; an arm that is not there begins with alpha = 2, beta = 8"
    )
    assert read == "3 rows read, 0 bad"
    assert added.startswith("3 added in ")
    assert there == f'2 rows of "content" are in {tmp_path / "store"} now'
    assert rows_in(tmp_path) == {"a": (13, 23), "new": (2, 10)}


def test_events_are_added(tmp_path: Path, run: Run) -> None:
    result = run(EVENTS)
    assert result.exit_code == 0
    assert "alpha += rewards of 1, beta += rewards of 0, over all rows of an id;" in result.stdout
    assert rows_in(tmp_path) == {"a": (12, 21), "new": (3, 8)}


@pytest.mark.parametrize(("text", "sums"), [(COUNTS, (16, 26)), (EVENTS, (14, 22))])
def test_loading_again_adds_again(
    tmp_path: Path, run: Run, text: str, sums: tuple[float, float]
) -> None:
    assert run(text).exit_code == run(text).exit_code == 0
    assert rows_in(tmp_path)["a"] == sums


def test_bad_rows_are_left_out(tmp_path: Path, run: Run) -> None:
    result = run("id,successes,trials\na,1,1\na,3,2\nb\nb,-1,5\nb,1,1\n")
    assert result.exit_code == 1
    assert "-:3: fewer trials than successes" in result.stderr
    assert "5 rows read, 3 bad" in result.stdout
    assert rows_in(tmp_path) == {"a": (11, 20), "b": (3, 8)}


def test_a_strict_load_adds_nothing_when_a_row_is_bad(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "counts.csv"
    file.write_text("id,successes,trials\na,1,1\na,3,2\n")
    command = [str(file), "--store", str(tmp_path / "store"), "--mode", "add", "--strict"]
    result = CliRunner().invoke(load, [*command, "--batch", "1"])
    assert result.exit_code == 1
    assert run("id,reward\na,1\na,7\n", "--strict").exit_code == 1
    assert rows_in(tmp_path) == {"a": (10, 20)}


def test_posteriors_can_not_be_added(tmp_path: Path, run: Run) -> None:
    result = run("id,alpha,beta\na,1,2\n")
    assert result.exit_code == 2
    assert "--mode add takes counts or events" in result.stderr
    assert rows_in(tmp_path) == {"a": (10, 20)}


def test_a_table_with_other_features_is_not_added_to(tmp_path: Path, run: Run) -> None:
    with LmdbStore.open(tmp_path / "store") as store:
        store.write("shop", ["a"], ("alpha", "beta", "price"), np.ones((1, 3)))
    result = run(COUNTS, "--entity-type", "shop")
    assert result.exit_code == 2
    assert "'shop' has alpha, beta, price" in result.stderr
    assert result.stderr.endswith("0 rows were added before that, in 0 batches\n")


@pytest.mark.usefixtures("run")
def test_a_file_that_breaks_off_says_what_was_added(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    lines = "".join(f"{i},{s},1000000\n" for i, s in enumerate(random.integers(0, 10**6, 30_000)))
    packed = gzip.compress(b"id,successes,trials\n" + lines.encode())
    file = tmp_path / "cut.csv.gz"
    file.write_bytes(packed[: len(packed) * 9 // 10])
    command = [str(file), "--store", str(tmp_path / "store"), "--mode", "add", "--batch", "10000"]
    result = CliRunner().invoke(load, command)
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "20,000 rows were added before that, in 2 batches; loading the same files again adds them"
        " again\n"
    )
    assert len(rows_in(tmp_path)) == 20_001


@pytest.mark.usefixtures("run")
def test_an_interrupted_load_says_what_was_added(tmp_path: Path) -> None:
    code = "from service.data import load; load()"
    options = ["--store", str(tmp_path / "store"), "--mode", "add", "--batch", "1000"]
    command = [sys.executable, "-c", code, "-", *options]
    content = "id,successes,trials\n" + "".join(f"{i:08},1,2\n" for i in range(20_000))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        process.stdin.write(content)
        process.stdin.flush()
        deadline = time.monotonic() + 30
        while len(rows_in(tmp_path)) < 10_001:
            assert time.monotonic() < deadline
        os.kill(process.pid, signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(30) == 1
    assert " rows were added before that, in " in said
    assert "and perhaps rows of one more; loading the same files again adds them again" in said
