"""A running service follows what is loaded by another process."""

import signal
import subprocess
import time

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
    service = start(store, models=MODELS, workers=2)
    assert service.scores(["a"]) == {"a": 0.25}
    for alpha, mode in ((1, "upsert"), (3, "upsert"), (7, "replace")):
        table.write_text(f"id,alpha,beta\na,{alpha},1\n")
        load = [command, "load", table, "--store", store, "--mode", mode]
        subprocess.run(load, check=True, capture_output=True)
        await_score(service, "a", alpha / (alpha + 1))
    assert service.predict(["a", "b"])["missing"] == 1


def test_a_load_that_is_killed_leaves_the_service_answering(start, tmp_path, command: str) -> None:
    store, table = tmp_path / "store", tmp_path / "table.csv"
    ids = [f"a{i}" for i in range(200_000)]
    for beta in (1, 3):
        table.write_text("id,alpha,beta\n" + "".join(f"{name},1,{beta}\n" for name in ids))
        if beta == 1:
            load = [command, "load", table, "--store", store, "--batch", "1000"]
            subprocess.run(load, check=True, capture_output=True)
            service = start(store, models=MODELS)
    loader = subprocess.Popen(load, stdout=subprocess.DEVNULL)
    asked = ids[:: len(ids) // 400]
    while 0.25 not in service.scores(asked).values():
        assert loader.poll() is None
    loader.send_signal(signal.SIGKILL)
    loader.wait()
    time.sleep(1)
    scores = service.scores(ids[:10_000])
    assert set(scores.values()) <= {0.5, 0.25}
    assert service.stop() == 0
    again = start(store, models=MODELS)
    assert again.scores(ids[:10_000]) == scores
    assert again.predict(asked)["missing"] == 0
