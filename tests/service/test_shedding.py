"""Refusals at the limit, and deadlines that share a timer."""

import asyncio
import socket
import time

import pytest

from service.watch import Watch

MODELS = """
default_model = "m"
[models.m]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
deadline_ms = 5000
"""
BODY = b'{"candidates":["c1"]}'
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def head(length: int) -> bytes:
    return b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % length


@pytest.fixture
def full(start, store):
    """A service whose only place is taken by a request whose body is yet to come."""
    service = start(store, models=MODELS, server_max_in_flight=1)
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head(len(BODY)))
        deadline = time.monotonic() + 4
        while service.client.get("/health").json()["worker"]["in_flight"] < 1:
            assert time.monotonic() < deadline
        yield service, connection


def test_a_refusal_tells_all_that_an_answer_tells(full) -> None:
    service, connection = full
    shed = service.client.post("/predict", content=BODY, headers={"traceparent": TRACE})
    assert shed.status_code == 429
    assert shed.headers["content-type"] == "application/problem+json"
    assert shed.headers["retry-after"] == "1"
    assert shed.headers["traceparent"] == TRACE
    assert shed.headers["x-decision-id"] == shed.json()["decision_id"]
    connection.sendall(BODY)
    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    service.predict(["c1"])


def test_refusals_are_counted_one_by_one_and_logged_once_a_second(full) -> None:
    service, _ = full
    statuses = [service.client.post("/predict", content=BODY).status_code for _ in range(40)]
    assert statuses == [429] * 40
    assert service.client.get("/health").json()["worker"]["problems"] == {"Overloaded": 40}
    assert (
        'requests_total{protocol="predict",status="429"} 40' in service.client.get("/metrics").text
    )
    deadline = time.monotonic() + 10
    while sum(line["refused"] for line in refusals(service)) < 40:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert sum(line["refused"] for line in refusals(service)) == 40
    assert len(refusals(service)) <= 10


@pytest.mark.parametrize("length", [2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_an_announced_length_of_any_size_takes_no_place_for_good(start, store, length) -> None:
    service = start(store, models=MODELS, server_max_in_flight=1)
    host, _, port = service.url.removeprefix("http://").partition(":")
    for _ in range(3):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head(length))
            assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert service.client.get("/health").json()["worker"]["in_flight"] == 0
    service.predict(["c1"])


def test_requests_sent_together_take_the_only_place_one_by_one(start, store) -> None:
    service = start(store, models=MODELS, server_max_in_flight=1)
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall((head(len(BODY)) + BODY) * 20)
        received = b""
        while received.count(b"HTTP/1.1 ") < 20:
            received += connection.recv(65536)
    assert received.count(b"HTTP/1.1 200 ") == 20


def refusals(service) -> list[dict]:
    return [line for line in service.log_lines() if line.get("problem") == "Overloaded"]


@pytest.mark.parametrize("size", [5_000, 200_000])
def test_refused_bodies_of_any_size_leave_a_service_that_answers(full, size: int) -> None:
    service, connection = full
    assert service.client.post("/predict", content=b" " * size).status_code == 429
    connection.sendall(BODY)
    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    service.predict(["c1"])


def test_a_body_in_pieces_is_read_whole(start, store) -> None:
    service = start(store, models=MODELS)
    body = b'{"candidates":["c1"], "order":"input"' + b" " * 300_000 + b"}"

    def pieces():
        yield from (body[i : i + 50_000] for i in range(0, len(body), 50_000))

    for content, headers in ((body, {}), (pieces(), {"content-length": str(len(body))})):
        assert service.client.post("/predict", content=content, headers=headers).status_code == 200
    assert service.client.post("/predict", content=pieces()).status_code == 200


def run(scenario) -> None:
    asyncio.run(asyncio.wait_for(scenario, 10))


def test_a_wait_ends_at_its_deadline() -> None:
    async def scenario() -> None:
        loop, watch = asyncio.get_running_loop(), Watch()
        began = loop.time()
        with pytest.raises(TimeoutError):
            await watch.until(began + 0.1, asyncio.Event().wait())
        assert loop.time() >= began + 0.1
        assert await watch.until(loop.time() + 5, asyncio.sleep(0, "there")) == "there"

    run(scenario())


def test_waits_with_several_deadlines_end_apart_and_in_any_loop() -> None:
    watch = Watch()

    async def wait(seconds: float) -> str:
        loop = asyncio.get_running_loop()
        try:
            await watch.until(loop.time() + seconds, asyncio.sleep(0.15))
        except TimeoutError:
            return "late"
        return "there"

    async def scenario() -> None:
        found = await asyncio.gather(*(wait(s) for s in (0.01, 5.0, 0.05, 6.0)))
        assert found == ["late", "there", "late", "there"]

    run(scenario())
    run(scenario())


def test_a_cancelled_wait_is_cancelled_and_not_late() -> None:
    async def scenario() -> None:
        loop, watch = asyncio.get_running_loop(), Watch()
        task = asyncio.create_task(watch.until(loop.time() + 5, asyncio.Event().wait()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    run(scenario())
