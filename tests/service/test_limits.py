"""Deadlines, overload and clients that misbehave."""

import json
import socket
import threading
import time

import httpx

MODELS = """
default_model = "m"
[models.m]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
deadline_ms = 1500
"""


def connect(service) -> socket.socket:
    host, _, port = service.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 21\r\n\r\n"


def test_504_when_the_body_does_not_arrive_in_time(start, store) -> None:
    service = start(store, models=MODELS)
    with connect(service) as connection:
        asked = time.monotonic()
        connection.sendall(HEAD + b'{"cand')
        answer = connection.recv(65536)
        took = time.monotonic() - asked
    assert answer.startswith(b"HTTP/1.1 504")
    assert 1.4 < took < 2.5


def test_429_beyond_the_requests_in_flight(start, store) -> None:
    service = start(store, models=MODELS, server_max_in_flight=3)
    slow = [connect(service) for _ in range(3)]
    for connection in slow:
        connection.sendall(HEAD)
    deadline = time.monotonic() + 1.4
    while service.client.get("/health").json()["worker"]["in_flight"] < 3:
        assert time.monotonic() < deadline
    shed = service.client.post("/predict", json={"candidates": ["c1"]})
    assert shed.status_code == 429
    assert shed.headers["retry-after"] == "1"
    assert shed.json()["detail"] == "3 requests are in flight already"
    for connection in slow:
        connection.sendall(b'{"candidates":["c1"]}')
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.close()
    assert service.client.post("/predict", json={"candidates": ["c1"]}).status_code == 200
    assert service.client.get("/health").json()["worker"]["problems"] == {"Overloaded": 1}


def test_clients_that_go_away_leave_nothing_behind(start, store) -> None:
    service = start(store, models=MODELS)
    for _ in range(50):
        with connect(service) as connection:
            connection.sendall(HEAD + b'{"cand')
    deadline = time.monotonic() + 10
    worker = service.client.get("/health").json()["worker"]
    while sum(worker["problems"].values()) < 50:
        assert time.monotonic() < deadline, worker
        worker = service.client.get("/health").json()["worker"]
    assert worker["in_flight"] == 0
    assert worker["problems"].keys() <= {"BrokenBody", "DeadlineExceeded"}
    service.predict(["c1"])


def test_many_connections_at_once_are_all_answered(start, store) -> None:
    service = start(store, models=MODELS)
    body = json.dumps({"candidates": [f"c{i}" for i in range(400)]})
    statuses: list[int] = []

    def client() -> None:
        with httpx.Client(base_url=service.url, timeout=20) as one:
            statuses.extend(one.post("/predict", content=body).status_code for _ in range(20))

    threads = [threading.Thread(target=client) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(statuses) == 800
    assert set(statuses) <= {200, 429}


def test_broken_chunks_are_a_400(start, store) -> None:
    service = start(store, models=MODELS)
    with connect(service) as connection:
        head = b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        connection.sendall(head + b"ZZ\r\n")
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer
    assert service.client.get("/health").json()["worker"]["problems"] == {"BrokenBody": 1}
