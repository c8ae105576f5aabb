"""A running service follows what is loaded by another process."""

import os
import signal
import subprocess
import time
from pathlib import Path

from loadtest.processes import process_tree

MODELS = """
default_model = "m"
[models.m]
version = "1"
policy = "greedy"
prior = { alpha = 1.0, beta = 3.0 }
"""


def await_score(service, name: str, score: float) -> None:
    deadline = time.monotonic() + 10
    while service.scores([name])[name] != score:
        assert time.monotonic() < deadline


def test_loads_reach_every_worker(start, tmp_path, command: str) -> None:
    store, table = tmp_path / "store", tmp_path / "table.csv"
    table.write_text("id,alpha,beta\nother,1,1\n")
    subprocess.run([command, "load", table, "--store", store], check=True, capture_output=True)
    service = start(store, models=MODELS, workers=2)
    assert service.scores(["a"]) == {"a": 0.25}
    for alpha, mode in ((1, "upsert"), (3, "upsert"), (7, "replace")):
        table.write_text(f"id,alpha,beta\na,{alpha},1\n")
        load = [command, "load", table, "--store", store, "--mode", mode]
        subprocess.run(load, check=True, capture_output=True)
        await_score(service, "a", alpha / (alpha + 1))
    assert service.predict(["a", "b"])["missing"] == 1


class Reload:
    """200,000 rows of Beta(1, 1) in a served store, and a load of Beta(1, 3) over them."""

    def __init__(self, start, folder: Path, command: str) -> None:
        self.store, table = folder / "store", folder / "table.csv"
        self.ids = [f"a{i}" for i in range(200_000)]
        self.load = [command, "load", table, "--store", self.store, "--batch", "1000"]
        for beta in (1, 3):
            rows = "".join(f"{name},1,{beta}\n" for name in self.ids)
            table.write_text("id,alpha,beta\n" + rows)
            if beta == 1:
                subprocess.run(self.load, check=True, capture_output=True)
        self.service = start(self.store, models=MODELS, workers=2)

    def begin(self) -> subprocess.Popen[bytes]:
        """Start the load; returns once some rows are new and some still old."""
        loader = subprocess.Popen(self.load, stdout=subprocess.DEVNULL)
        asked = self.ids[:: len(self.ids) // 400]
        while 0.25 not in (scores := set(self.service.scores(asked).values())):
            assert loader.poll() is None
        assert scores == {0.5, 0.25}
        return loader

    def scores_of(self, service) -> dict[str, float]:
        """Return the scores of every row; each must be in the store."""
        scores: dict[str, float] = {}
        for i in range(0, len(self.ids), 10_000):
            part = self.ids[i : i + 10_000]
            answer = service.predict(part)
            assert answer["missing"] == 0
            scores.update(zip(answer["candidates"], answer["scores"], strict=True))
        return scores


def test_a_killed_load_leaves_old_or_new_in_every_row(start, tmp_path, command: str) -> None:
    reload = Reload(start, tmp_path, command)
    loader = reload.begin()
    loader.kill()
    loader.wait()
    assert reload.service.stop() == 0
    scores = reload.scores_of(start(reload.store, models=MODELS))
    assert set(scores.values()) == {0.5, 0.25}
    new = [name for name in reload.ids if scores[name] == 0.25]
    assert new == reload.ids[: len(new)]
    assert len(new) % 1000 == 0  # whole batches, in the order of the file
    subprocess.run(reload.load, check=True, capture_output=True)
    again = start(reload.store, models=MODELS)
    assert set(reload.scores_of(again).values()) == {0.25}


def test_a_server_killed_during_a_load_harms_neither(start, tmp_path, command: str) -> None:
    reload = Reload(start, tmp_path, command)
    loader = reload.begin()
    for pid in reversed(process_tree(reload.service.process.pid)):
        os.kill(pid, signal.SIGKILL)
    assert loader.wait(60) == 0
    again = start(reload.store, models=MODELS)
    assert set(reload.scores_of(again).values()) == {0.25}
