"""What a killed process leaves behind: real processes, real SIGKILL."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from featurestore import LmdbStore
from idcolumn import IdColumn

AB = ("alpha", "beta")
IDS = [f"id{i:04}" for i in range(500)]

WRITER = """
import sys
from pathlib import Path
import numpy as np
from featurestore import LmdbStore
store = LmdbStore.open(Path(sys.argv[1]))
ids = [f"id{i:04}" for i in range(500)]
number = int(sys.argv[2])
while True:
    store.write("article", ids, ("alpha", "beta"), np.full((500, 2), float(number)))
    print(number, flush=True)
    number += 1
"""

LOADER = """
import sys
from pathlib import Path
import numpy as np
from featurestore import LmdbStore, replacement
replacement.BUFFERED_ROWS = 1_000
store = LmdbStore.open(Path(sys.argv[1]))
with store.replacing("article", ("alpha", "beta")) as load:
    for part in range(100_000):
        load.write([f"new{part}:{i}" for i in range(1_000)], np.ones((1_000, 2)))
        print(part, flush=True)
"""

HOLDER = """
import sys
from pathlib import Path
from featurestore import LmdbStore
store = LmdbStore.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""

READER = """
import sys
from pathlib import Path
from featurestore import LmdbStore
scan = LmdbStore.open(Path(sys.argv[1])).scan("article", batch=10)
next(scan)
print("reading", flush=True)
sys.stdin.read()
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(process: subprocess.Popen[str]) -> list[str]:
    os.kill(process.pid, signal.SIGKILL)
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    return said.splitlines()


def test_a_killed_writer_loses_no_answered_write_and_leaves_no_half_batch(tmp_path: Path) -> None:
    number, chance = 1, random.Random(11)
    for _ in range(6):
        writer = start(WRITER, tmp_path, number)
        assert writer.stdout is not None
        first = int(writer.stdout.readline())
        time.sleep(chance.uniform(0.0, 0.2))
        answered = max([first, *map(int, kill(writer))])
        with LmdbStore.open(tmp_path) as store:
            values, found = store.read("article", IdColumn.from_list(IDS), AB)
        assert found.all()
        assert len(np.unique(values)) == 1, "half a batch"
        assert answered <= values[0, 0] <= answered + 1
        number = int(values[0, 0]) + 1
    assert number > 6


def test_a_killed_load_leaves_the_old_table_and_its_space_is_given_back(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", IDS, AB, np.full((500, 2), 3.0))
    loader = start(LOADER, tmp_path)
    assert loader.stdout is not None
    while int(loader.stdout.readline()) < 5:
        pass
    with LmdbStore.open(tmp_path) as bystander:
        assert bystander.tables()["article"].rows == 500
    assert int(loader.stdout.readline()) >= 6, "opening the store disturbed the load"
    kill(loader)
    assert leftover_rows(tmp_path) > 0
    with LmdbStore.open(tmp_path) as store:
        values, found = store.read("article", IdColumn.from_list(IDS), AB)
        assert found.all()
        assert (values == 3.0).all()
        assert store.tables()["article"].rows == 500
    assert leftover_rows(tmp_path) == 0
    with LmdbStore.open(tmp_path) as store, store.replacing("article", AB) as load:
        load.write(["fresh"], np.ones((1, 2)))


def leftover_rows(path: Path) -> int:
    """Rows in the slot that is not live, seen by the lmdb package in a process of its own."""
    script = """
import sys, lmdb
env = lmdb.open(sys.argv[1], readonly=True, max_dbs=8)
db = env.open_db(b"rows/article/1", create=False)
with env.begin() as txn:
    print(txn.stat(db)["entries"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_killed_reader_does_not_hold_space_for_ever(tmp_path: Path) -> None:
    with LmdbStore.open(tmp_path) as store:
        store.write("article", IDS, AB, np.ones((500, 2)))
    # As long as one process has the store open, the next one finds the dead reader's slot taken.
    holder = start(HOLDER, tmp_path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    reader = start(READER, tmp_path)
    assert reader.stdout is not None
    assert reader.stdout.readline() == "reading\n"
    kill(reader)
    data = tmp_path / "data.mdb"
    with LmdbStore.open(tmp_path) as store:
        store.write("article", IDS, AB, np.full((500, 2), 2.0))
        size = data.stat().st_size
        for value in range(200):
            store.write("article", IDS, AB, np.full((500, 2), 3.0 + value))
    kill(holder)
    # 200 rewrites of 9 pages of rows and 2 of the journal: 8 MB when nothing is used again.
    # The journal itself keeps 500 ids a write, some 5 KB: 1 MB.
    assert data.stat().st_size - size < 4_000_000
