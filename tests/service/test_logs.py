"""Logs: floods and stuck readers."""

import fcntl
import json
import logging
import os
import subprocess
import time

import httpx

from loadtest.processes import free_port
from service.logs import FloodGate, JsonFormatter, log_config


def test_a_flood_of_a_kind_is_counted_and_kept_back() -> None:
    gate = FloodGate()

    def passing(problem: str, times: int, created: float) -> list[logging.LogRecord]:
        records = [
            logging.makeLogRecord({"name": "x", "problem": problem, "created": created})
            for _ in range(times)
        ]
        return [record for record in records if gate.filter(record)]

    assert len(passing("Overloaded", 500, 100.2)) == 10
    assert len(passing("MalformedBody", 3, 100.3)) == 3
    (first, *others) = passing("Overloaded", 5, 101.0)
    assert first.lines_kept_back == 490
    assert len(others) == 4
    assert not any(hasattr(record, "lines_kept_back") for record in others)


def test_a_log_line_is_json_with_its_trace() -> None:
    assert log_config("info")["loggers"]["bandit_serve"]["level"] == "INFO"
    try:
        raise ValueError("why")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("bandit_serve.x", logging.ERROR, "f", 1, "what %s", ("it",), info)
    record.decision_id = "d"
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["level"], line["decision_id"]) == ("what it", "error", "d")
    assert "ValueError: why" in line["trace"]


def test_a_reader_of_the_log_who_is_stuck_stops_no_request(store, command: str) -> None:
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    port = free_port()
    run = [command, "run", "--store", str(store), "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=write_end)
    os.close(write_end)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
            deadline = time.monotonic() + 20
            while True:
                assert time.monotonic() < deadline
                try:
                    client.get("/health/ready").raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.02)
            statuses = set()
            for _ in range(40):
                statuses.add(client.post("/predict", content=b"{").status_code)
                statuses.add(client.post("/predict", json={}).status_code)
                statuses.add(client.get("/nowhere").status_code)
            assert statuses == {400, 422, 404}
            assert client.get("/health/live").status_code == 200
        lines = os.read(read_end, 1 << 16)
        assert len(lines) > 3500  # the pipe is full
        assert json.loads(lines.splitlines()[0])["status"] == 400
    finally:
        process.kill()
        process.wait()
        os.close(read_end)


def test_a_problem_has_its_line_and_an_ordinary_request_none(start, store) -> None:
    service = start(store)
    service.predict(["c1"], decision_id="ordinary")
    answer = service.client.post("/predict", content=b"{")
    decision_id = answer.json()["decision_id"]
    assert answer.headers["x-decision-id"] == decision_id
    line = service.await_log_line(decision_id=decision_id)
    assert (line["status"], line["level"], line["problem"]) == (400, "info", "MalformedBody")
    assert not any(line.get("decision_id") == "ordinary" for line in service.log_lines())
