"""The pure parts of the open-loop load, and the load itself against a real server."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from loadtest.open_loop import send
from loadtest.pacing import planned, quantiles
from loadtest.processes import accepts, free_port, running

# Answers the third request of all with 503 and the others after 50 ms, one of five degraded.
SERVER = """
import asyncio
count = 0
async def app(scope, receive, send):
    global count
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    count += 1
    number = count
    await asyncio.sleep(0.05)
    body = b'{"degraded":true}' if number % 5 == 0 else b'{"degraded":false}'
    headers = [(b"content-length", str(len(body)).encode()),
               (b"server-timing", b"decode;dur=0.100, features;dur=42.500")]
    status = 503 if number == 3 else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "paced_server.py").write_text(SERVER)
    granian, port = str(Path(sys.executable).with_name("granian")), free_port()
    command = [granian, "paced_server:app", "--interface", "asgi", "--port", str(port)]
    command += ["--working-dir", str(tmp_path), "--log-level", "warning"]
    with running(command, port, accepts):
        yield port


def test_send_times_are_even_and_keep_to_the_rate() -> None:
    times = planned(40.0, 10.0)
    assert len(times) == 400
    assert times[0] == 0.0
    np.testing.assert_allclose(np.diff(times), 0.025, rtol=1e-9)
    assert times[-1] < 10.0


@pytest.mark.parametrize(("rate", "seconds", "count"), [(3.0, 0.5, 2), (0.5, 1.0, 1), (7, 1, 7)])
def test_every_send_time_is_before_the_end(rate: float, seconds: float, count: int) -> None:
    times = planned(rate, seconds)
    assert len(times) == count
    assert (times < seconds).all()


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (-1, 1), (1, 0), (np.nan, 1), (1, np.inf)])
def test_a_load_without_end_or_rate_is_refused(rate: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="must be finite and > 0"):
        planned(rate, seconds)


def test_a_quantile_is_one_of_the_values_and_so_many_reach_it() -> None:
    assert quantiles(range(1, 1001)) == {"p50": 500, "p90": 900, "p99": 990, "p99.9": 999}
    assert quantiles([7.0]) == {"p50": 7.0, "p90": 7.0, "p99": 7.0, "p99.9": 7.0}


def test_answers_are_counted_from_the_planned_time(port: int) -> None:
    answers = asyncio.run(send(port, ["{}"], planned(50.0, 1.0), connections=16))
    assert len(answers) == 50
    assert sorted({answer.error for answer in answers}) == ["", "503"]
    answered = [answer for answer in answers if not answer.error]
    assert sum(answer.degraded for answer in answered) == 10
    assert {answer.features_ms for answer in answered} == {42.5}
    assert all(answer.latency_ms >= 50 + min(0.0, answer.sent_late_ms) - 5 for answer in answers)


def test_waiting_for_a_connection_counts(port: int) -> None:
    answers = asyncio.run(send(port, ["{}"], planned(100.0, 0.1), connections=1))
    latencies = [answer.latency_ms for answer in answers]
    assert len(latencies) == 10
    assert latencies[-1] > 9 * 40  # ten in a row of 50 ms, planned 10 ms apart
    assert answers[-1].sent_late_ms > 8 * 40
