"""A load that is killed leaves every row old or new, in whole batches or not at all."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from featurestore import LmdbStore
from idcolumn import IdColumn

ROWS = 600_000
FEATURES = ("alpha", "beta")
OLD, NEW = (1.0, 2.0), (3.0, 4.0)


def ids(rows: int) -> list[str]:
    return [f"arm-{number:06d}" for number in range(rows)]


def lines(rows: int, values: tuple[float, float]) -> bytes:
    tail = ",{},{}\n".format(*values)
    return "".join(name + tail for name in ids(rows)).encode()


def stored(path: Path, rows: int) -> NDArray[np.float64]:
    with LmdbStore.open(path, readonly=True) as store:
        assert store.tables()["content"].rows == rows
        values, found = store.read("content", IdColumn.from_list(ids(rows)), FEATURES)
    assert found.all()
    return values


def fill(path: Path, rows: int) -> None:
    with LmdbStore.open(path) as store:
        store.write("content", ids(rows), FEATURES, np.tile(OLD, (rows, 1)))


@contextmanager
def loading(path: Path, *options: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A load of what is written to its standard input, which ends only with the block."""
    command = [sys.executable, "-c", "from service.data import load; load()", "-"]
    arguments = [*command, "--store", str(path), *options]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def feed(process: "subprocess.Popen[bytes]", content: bytes) -> None:
    assert process.stdin
    process.stdin.write(content)
    process.stdin.flush()


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    assert process.wait(30) == -9


def test_upsert_killed_in_the_middle_leaves_whole_batches(tmp_path: Path) -> None:
    rows, batch = 60_000, 1_000
    fill(tmp_path, rows)
    content = b"id,alpha,beta\n" + lines(rows, NEW)
    with loading(tmp_path, "--batch", str(batch)) as process:
        feed(process, content[: len(content) * 3 // 4])
        with LmdbStore.open(tmp_path, readonly=True) as store:
            first = IdColumn.from_list(ids(1))
            limit = time.monotonic() + 30
            while store.read("content", first, FEATURES)[0].tolist() != [list(NEW)]:
                assert time.monotonic() < limit
        kill(process)
    values = stored(tmp_path, rows)
    new = (values == NEW).all(axis=1)
    old = (values == OLD).all(axis=1)
    assert (new | old).all()
    assert 0 < new.sum() < rows
    assert new.sum() % batch == 0
    assert new[: new.sum()].all()


def test_replace_killed_in_the_middle_leaves_the_old_table(tmp_path: Path) -> None:
    fill(tmp_path, 1_000)
    with loading(tmp_path, "--mode", "replace") as process:
        feed(process, b"id,alpha,beta\n" + lines(ROWS, NEW))
        kill(process)
    assert (stored(tmp_path, 1_000) == OLD).all()


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_a_load_after_a_killed_one_goes_through(tmp_path: Path, mode: str) -> None:
    fill(tmp_path, 10)
    with loading(tmp_path, "--mode", mode, "--batch", "100") as process:
        feed(process, b"id,alpha,beta\n" + lines(20_000, (5.0, 6.0)))
        kill(process)
    with loading(tmp_path, "--mode", "replace") as process:
        process.communicate(b"id,alpha,beta\n" + lines(5_000, NEW), 60)
        assert process.returncode == 0
    assert (stored(tmp_path, 5_000) == NEW).all()
