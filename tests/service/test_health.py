"""The probes."""

import os
import select
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

from featurestore import LmdbStore


def test_live_and_ready(service) -> None:
    assert service.client.get("/health/live").json() == {"status": "ok"}
    for path in ("/health", "/health/ready"):
        answer = service.client.get(path)
        assert answer.status_code == 200
        document = answer.json()
        assert document["status"] == "ok"
        assert set(document["checks"].values()) == {"ok"}
        assert document["models"]["homepage"] == "3"


def test_what_was_defaulted_and_refused_is_counted(start, store) -> None:
    service = start(store)
    service.predict(["c1", "c2", "unknown"])
    service.client.post("/predict", content=b"{")
    worker = service.client.get("/health").json()["worker"]
    counted = {
        k: worker[k] for k in ("predictions", "candidates", "missing_candidates", "problems")
    }
    assert counted == {
        "predictions": 1,
        "candidates": 3,
        "missing_candidates": 1,
        "problems": {"MalformedBody": 1},
    }
    assert worker["store"]["hot_tier_hits"] >= 2


def test_a_killed_worker_is_replaced(start, store) -> None:
    service = start(store, workers=1)
    pid = service.client.get("/health").json()["worker"]["pid"]
    service.client.close()
    os.kill(pid, signal.SIGKILL)
    service.__post_init__()
    service.await_ready()
    assert service.client.get("/health").json()["worker"]["pid"] != pid
    service.predict(["c1"])


def test_workers_end_with_their_launcher(start, store) -> None:
    service = start(store)
    pid = service.client.get("/health").json()["worker"]["pid"]
    service.process.kill()
    service.process.wait()
    worker = os.pidfd_open(pid)
    readable, _, _ = select.select([worker], [], [], 10)
    os.close(worker)
    assert readable


def test_a_port_that_is_taken_stops_the_start(service, store, command: str) -> None:
    port = service.url.rpartition(":")[2]
    run = [command, "run", "--store", str(store), "--port", port]
    result = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 2
    assert f"server.host:port is 127.0.0.1:{port}: Address already in use" in result.stderr
    service.predict(["c1"])


def test_a_hangup_replaces_the_workers_one_by_one(start, store) -> None:
    service = start(store, workers=1)
    pid = service.client.get("/health").json()["worker"]["pid"]
    service.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    headers = {"connection": "close"}
    while service.client.get("/health", headers=headers).json()["worker"]["pid"] == pid:
        assert time.monotonic() < deadline
    service.predict(["c1"])
    assert service.stop() == 0


def await_health(service, status: int, check: str) -> str:
    deadline = time.monotonic() + 10
    while (answer := service.client.get("/health")).status_code != status:
        assert time.monotonic() < deadline, answer.text
    found: str = answer.json()["checks"][check]
    return found


@pytest.mark.parametrize("replaced", [False, True])
def test_a_store_that_is_removed_or_replaced_is_noticed(
    start, tmp_path, write_store, replaced: bool
) -> None:
    rows = {"content": (["a"], np.ones((1, 2)))}
    service = start(write_store(tmp_path / "store", rows))
    service.predict(["a"])
    if replaced:
        (tmp_path / "store").rename(tmp_path / "old")
        write_store(tmp_path / "store", rows)
    else:
        shutil.rmtree(tmp_path / "store")
    assert "was removed or replaced" in await_health(service, 503, "store")
    assert service.predict(["a"])["missing"] == 0  # what is in memory is still served


def test_a_table_that_loses_the_features_of_a_model_is_noticed(
    start, tmp_path, write_store
) -> None:
    folder = write_store(tmp_path / "store", {"content": (["a"], np.ones((1, 2)))})
    service = start(folder)
    with (
        LmdbStore.open(folder) as store,
        store.replacing("content", ("clicks", "views")) as load,
    ):
        load.write(["a"], np.ones((1, 2)))
    assert "alpha" in await_health(service, 503, "store")
    answer = service.predict(["a"])
    assert (answer["degraded"], answer["degraded_candidates"]) == (True, 1)


def test_an_empty_store_file_stops_the_start(tmp_path, command: str) -> None:
    (tmp_path / "data.mdb").touch()
    run = [command, "run", "--store", str(tmp_path)]
    result = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 2
    assert "data.mdb is empty" in result.stderr
