"""The drivers against a real server that stalls, fails and goes."""

import asyncio
import contextlib
import math
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from loadtest.drivers import Driver, DriverError, Load, LocustDriver, PythonDriver, WrkDriver
from loadtest.drivers.connection import Exchange
from loadtest.drivers.pump import send
from loadtest.drivers.wrk import outcome
from loadtest.processes import accepts, free_port, running
from loadtest.result import Result, Workload
from loadtest.target import Target
from loadtest.watch import Watched
from loadtest.workload import Bodies

# Answers after 50 ms with the number of requests on that connection so far, 503 to what says so;
# closes the connection on "close", stalls the whole server for 300 ms on "stall".
SERVER = """
import asyncio, json, time
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    what = (await receive())["body"]
    if what == b'"stall"':
        time.sleep(0.3)
    elif what != b'"quick"':
        await asyncio.sleep(0.05)
    headers = [(b"content-length", b"2"), (b"server-timing", b"decode;dur=0.500, score;dur=42.5")]
    if what == b'"close"':
        headers.append((b"connection", b"close"))
    status = 503 if what == b'"fail"' else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("stalling")
    (folder / "stalling_server.py").write_text(SERVER)
    granian, port = str(Path(sys.executable).with_name("granian")), free_port()
    command = [granian, "stalling_server:app", "--interface", "asgi", "--port", str(port)]
    command += ["--working-dir", str(folder), "--log-level", "warning"]
    with running(command, port, accepts):
        yield port


def target(url: str, folder: Path, bodies: str, candidates: int = 400) -> Target:
    """Return a server that is posted these bodies, each on a line."""
    file = folder / "bodies"
    file.write_text(bodies)
    return Target(url, Bodies(Workload(candidates), file), Watched("stalling"))


def exchanges(
    port: int, bodies: list[str], rate: float | None, seconds: float, connections: int
) -> list[Exchange]:
    found: list[Exchange] = []
    send(f"http://127.0.0.1:{port}/", bodies, rate, seconds, connections, found.append)
    return found


def test_every_planned_request_is_sent_at_its_time(port: int) -> None:
    found = exchanges(port, ['"ok"', '"fail"'], 100.0, 0.5, connections=50)
    assert Counter(each.error for each in found) == {"": 25, "503": 25}
    due = sorted(each.due for each in found)
    assert due[-1] - due[0] == pytest.approx(49 / 100)
    assert all(each.sent >= each.due and each.ended - each.sent > 0.045 for each in found)
    assert all(each.body == b"{}" for each in found)


def test_a_load_that_ends_early_opens_no_connection_again() -> None:
    accepted = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b'"ok"'):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async def serve() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            # The last of five is due at 0.4 s of 0.5.
            await asyncio.to_thread(exchanges, port, ['"ok"'], 10.0, 0.5, 8)

    asyncio.run(serve())
    assert len(accepted) == 8


def test_a_stall_counts_for_all_that_were_due_meanwhile(port: int) -> None:
    found = exchanges(port, ['"stall"'] + ['"quick"'] * 49, 100.0, 0.5, connections=1)
    late = sorted((each.ended - each.due for each in found), reverse=True)
    assert len(late) == 50
    # Of a stall of 300 ms, the requests planned each 10 ms after it wait 290, 280, ...
    assert all(waited >= 0.3 - 0.01 * i for i, waited in enumerate(late[:30]))


def test_what_waits_for_a_connection_until_the_end_is_not_sent(port: int) -> None:
    found = exchanges(port, ['"ok"'], 500.0, 0.2, connections=1)
    assert len(found) == 100
    sent = [each for each in found if each.error != "not sent"]
    assert 0 < len(sent) <= 11  # of 45 ms at least each, in 0.2 s, 0.25 s of grace and a look
    assert all(each.error == "" for each in sent)


def test_a_closed_loop_sends_when_it_was_answered(port: int) -> None:
    found = exchanges(port, ['"ok"'], None, 0.3, connections=4)
    assert 4 <= len(found) <= 4 * 7
    assert all(0 <= each.sent - each.due < 0.05 for each in found)


def test_a_closed_connection_is_opened_again(port: int) -> None:
    found = exchanges(port, ['"close"'], 40.0, 0.25, connections=2)
    assert [each.error for each in found] == [""] * 10


def test_a_server_that_goes_is_an_error_of_each_request(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(
        "import socket, sys\ns = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "while True:\n  c, _ = s.accept()\n  c.recv(9999)\n  c.close()\n"
    )
    port = free_port()
    with running([sys.executable, str(tmp_path / "s.py"), str(port)], port, accepts):
        found = exchanges(port, ["{}"], 20.0, 0.5, connections=1)
        assert len(found) == 10
        assert {each.error for each in found} <= {"EOFError", "ConnectionResetError", "not sent"}


def test_the_result_counts_statuses_and_stages(port: int, tmp_path: Path) -> None:
    asked = target(f"http://127.0.0.1:{port}/", tmp_path, '"ok"\n"fail"\n')
    result = PythonDriver().run(Load(asked, 0.5, 50, 100.0))
    assert (result.sent, result.answered, result.errors) == (50, 25, {"503": 25})
    assert result.error_share == 0.5
    assert result.stages_ms == {"decode": 0.5, "score": 42.5}
    assert result.latency_ms["p50"] >= 50
    assert result.error_latency_ms["503"]["p50"] >= 50
    assert 0 <= result.sent_late_ms["p50"] < result.sent_late_ms["max"]
    assert math.isnan(result.cpu_us)  # unknown without a pid
    assert result.samples == ()


def test_a_load_that_is_not_answered_is_an_error(port: int, tmp_path: Path) -> None:
    def load(url: str) -> Result:
        return PythonDriver().run(Load(target(url, tmp_path, '"fail"\n'), 0.1, 8, 50.0))

    with pytest.raises(DriverError, match=r"answered no request: \{'503': 5\}"):
        load(f"http://127.0.0.1:{port}/")
    with pytest.raises(DriverError, match=r"can't connect to 127\.0\.0\.1"):
        load(f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(ValueError, match="url is 'ftp://a'"):
        load("ftp://a")


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_wrk_counts_errors_by_status_and_has_no_rate(port: int, tmp_path: Path) -> None:
    bodies = '"quick"\n"fail"\n"quick"\n'
    load = Load(target(f"http://127.0.0.1:{port}/", tmp_path, bodies, candidates=3), 1.0, 4)
    with pytest.raises(ValueError, match="rate is 50, but wrk has no rate"):
        WrkDriver().run(replace(load, rate=50.0))
    result = WrkDriver().run(load)
    assert set(result.errors) == {"503"}
    assert result.answered == pytest.approx(2 * result.errors["503"], abs=12)
    assert result.sent == result.answered + result.errors["503"]
    assert 0 < result.latency_ms["p50"] <= result.latency_ms["p99.9"] <= result.latency_ms["max"]
    assert result.predictions_per_s == pytest.approx(3 * result.throughput)


def test_an_answer_that_came_too_late_for_wrk_counts_once() -> None:
    figures = {"duration": 4e6, "p50": 11_531.0, "timeout": 8.0, "read": 0.0, "200": 52.0}
    assert outcome(figures) == (44, {"timeout": 8})
    assert outcome({"timeout": 2.0, "200": 1.0, "503": 3.0}) == (0, {"timeout": 2, "503": 3})


@pytest.mark.parametrize("driver", [WrkDriver(), LocustDriver()], ids=["wrk", "locust"])
def test_a_program_of_whole_seconds_is_asked_for_no_part_of_one(
    driver: Driver, tmp_path: Path
) -> None:
    load = Load(target("http://127.0.0.1:9/", tmp_path, "{}\n"), 2.5, 1)
    with pytest.raises(ValueError, match=r"seconds is 2\.5, must be a whole number"):
        driver.run(load)
