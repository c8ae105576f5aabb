"""SIGTERM: health turns first, what was accepted is answered, the process ends in time."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass, field

import httpx
import pytest

from loadtest.processes import process_tree


@dataclass
class Load:
    """A client that posts predictions, one after the other, until the service is gone.

    A connection that ends without a byte of an answer may have waited, unread, in the queue of the
    socket when it closed; whether the service had read it is for the service's count to say.
    """

    url: str
    statuses: list[int] = field(default_factory=list)
    unread: int = 0

    def run(self) -> None:
        body = json.dumps({"candidates": [f"c{i}" for i in range(400)]}).encode()
        with httpx.Client(base_url=self.url, timeout=10) as client:
            while True:
                try:
                    self.statuses.append(client.post("/predict", content=body).status_code)
                except httpx.ConnectError:
                    return
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    self.unread += 1


def to_launcher(launcher: int) -> None:
    os.kill(launcher, signal.SIGTERM)


def to_terminal_group(launcher: int) -> None:
    os.killpg(launcher, signal.SIGINT)


def to_every_process(launcher: int) -> None:
    for pid in reversed(process_tree(launcher)):
        os.kill(pid, signal.SIGTERM)


@pytest.mark.parametrize(
    ("workers", "ask"),
    [(1, to_launcher), (2, to_launcher), (2, to_terminal_group), (2, to_every_process)],
)
def test_no_accepted_request_is_lost(start, store, workers: int, ask) -> None:
    service = start(store, workers=workers, server_drain_timeout_s=5)
    loads = [Load(service.url) for _ in range(8)]
    threads = [threading.Thread(target=load.run) for load in loads]
    for thread in threads:
        thread.start()
    while sum(len(load.statuses) for load in loads) < 200:
        assert all(thread.is_alive() for thread in threads)
    asked = time.monotonic()
    ask(service.process.pid)
    assert service.process.wait(10) == 0
    assert time.monotonic() - asked < 0.2 + 5
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    statuses = [status for load in loads for status in load.statuses]
    assert set(statuses) == {200}
    lines = service.log_lines()
    stopped = [line for line in lines if line["message"] == "stopped"]
    assert len(stopped) == workers
    assert not any("Unexpected exit" in line["message"] for line in lines)
    assert sum(line["predictions"] for line in stopped) == len(statuses)
    assert sum(load.unread for load in loads) <= len(loads)


@pytest.mark.parametrize(
    ("ask", "delay_s"), [(to_every_process, 0.2), (to_terminal_group, 0.2), (to_terminal_group, 4)]
)
def test_workers_that_are_starting_are_let_end(start, store, ask, delay_s: float) -> None:
    service = start(store, workers=2, ready=False, server_drain_delay_s=delay_s)
    started = time.monotonic()
    while len(process_tree(service.process.pid)) < 4:  # the launcher, its resource tracker, both
        assert time.monotonic() - started < 30
    ask(service.process.pid)
    assert service.process.wait(30) == 0
    log = service.log.read_text()
    assert "Unexpected exit" not in log
    assert "Traceback" not in log


PATIENT = """
default_model = "m"
[models.m]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
deadline_ms = 5000
"""


def await_refusal(service) -> None:
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{service.url}/health/live")
        except httpx.TransportError:
            return
    raise AssertionError("still accepting connections")


def test_health_turns_while_requests_are_still_answered(start, store) -> None:
    service = start(store, server_drain_delay_s=1.0)
    service.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 0.9
    while (health := service.client.get("/health")).status_code == 200:
        assert time.monotonic() < deadline
    assert health.status_code == 503
    assert health.json()["checks"]["lifecycle"] == "draining"
    assert service.client.get("/health/live").status_code == 200
    answer = service.client.post("/predict", json={"candidates": ["c1"]})
    assert answer.status_code == 200
    assert answer.headers["connection"] == "close"
    assert service.process.wait(10) == 0


def test_a_request_in_flight_is_finished(start, store) -> None:
    service = start(store, models=PATIENT, server_drain_delay_s=0.0)
    body = b'{"candidates":["c1"]}'
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        connection.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body[:5])
        while service.client.get("/health").json()["worker"]["in_flight"] == 0:
            time.sleep(0.01)
        service.process.send_signal(signal.SIGTERM)
        await_refusal(service)
        connection.sendall(body[5:])
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")
    assert service.process.wait(10) == 0


def test_a_client_that_does_not_read_its_answers_holds_nobody_up(start, store) -> None:
    service = start(store, server_drain_delay_s=0.0, server_drain_timeout_s=4)
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.setblocking(False)
        ask = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 1000
        with contextlib.suppress(BlockingIOError):
            while True:
                connection.send(ask)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(10) == 0
    messages = [line["message"] for line in service.log_lines()]
    assert "stopped" in messages
    assert "killing workers that did not finish in time" not in messages
