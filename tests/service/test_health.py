"""The probes."""

import os
import select
import signal
import subprocess
import time


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
    assert worker["store"]["hits"] >= 2


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
