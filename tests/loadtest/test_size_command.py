"""Sizing from end to end, of a server whose capacity is fixed."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.processes import accepts, free_port, running
from loadtest.report.content import report_of
from loadtest.report.markdown import render_markdown
from loadtest.report.runs import read_file
from loadtest.result import read_results
from loadtest.size import add_arguments
from loadtest.sizing.fleet import nodes
from loadtest.sizing.sizing import Sizing, read_sizing

FEW = ("--candidates", "4", "--connections", "32")
CAPACITY = 100  # requests a second

# Requests leave one after another, 10 ms apart, however late the server's timers are.
SERVER = """
import asyncio, contextlib, sys
free = 0.0
async def serve(reader, writer):
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            await reader.readexactly(int(head.split(b"content-length: ")[1].split()[0]))
            await asyncio.sleep(turn())
            writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\n{}")
    writer.close()
def turn():
    global free
    now = asyncio.get_running_loop().time()
    free = max(free, now) + 0.01
    return free - now
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()
asyncio.run(main())
"""


def size(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loadtest", "size", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    script = tmp_path_factory.mktemp("fixed") / "fixed_server.py"
    script.write_text(SERVER)
    port = free_port()
    with running([sys.executable, str(script), str(port)], port, accepts):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def ids(tmp_path: Path) -> Path:
    file = tmp_path / "ids.csv"
    file.write_text("id\n" + "\n".join(f"c{i}" for i in range(9)))
    return file


def test_a_known_knee_is_found_and_verified(url: str, ids: Path, tmp_path: Path) -> None:
    file = tmp_path / "size.json"
    options = ["--url", url, "--id-file", str(ids), *FEW, "--json", str(file)]
    options += ["--start", "70", "--seconds", "0.6", "--verify-seconds", "0.5", "--repeats", "1"]
    options += ["--precision", "0.2", "--latency-ms", "90", "--headroom", "0.5"]
    done = size(*options, "--target-rps", "1000", "--node-price", "2")
    assert done.returncode == 0, done.stderr
    results, about = read_results(file)
    sizing = read_sizing(about)
    assert isinstance(sizing, Sizing)
    # 0.6 s of 15 % more than the capacity make the last ones wait 90 ms.
    assert 0.6 * CAPACITY <= sizing.knee.value <= 1.16 * CAPACITY
    assert sizing.verified
    assert sizing.fleet.nodes == nodes(1000, 0.5 * sizing.knee.value) + 1
    assert sizing.fleet.price_an_hour == 2 * sizing.fleet.nodes
    assert len(results) == len(sizing.verdicts) == len(sizing.efforts)
    assert results[-1].planned_rate == pytest.approx(0.5 * sizing.knee.value)
    assert f"nodes            {sizing.fleet.nodes}, of which 1 spare\n" in done.stdout
    assert f"what limits it   {sizing.limit}: {sizing.words}\n" in done.stdout
    assert "search 1 of 1: 70 a second: " in done.stderr
    assert json.loads(file.read_text())["about"]["sizing"]["limit"] == sizing.limit


def test_loads_that_found_no_knee_are_kept(url: str, ids: Path, tmp_path: Path) -> None:
    file = tmp_path / "size.json"
    options = ["--url", url, "--id-file", str(ids), *FEW, "--json", str(file)]
    done = size(*options, "--start", "8", "--seconds", "0.5", "--latency-ms", "0.001")
    assert done.returncode == 1
    assert "requests a second broke the objective: latency" in done.stderr
    results, about = read_results(file)
    assert [result.planned_rate for result in results] == [8, 8, 4, 4, 2, 2, 1, 1]
    assert read_sizing(about) is None
    assert done.stdout.count("| python |") == 8
    page = render_markdown(report_of([read_file(file)], "Load"))
    assert "Every load" in page
    assert "The fleet" not in page


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--headroom", "1", "leaves nothing to use"),
        ("--repeats", "0", "is not from 1 to 10"),
        ("--node-price", "free", "is not a number > 0"),
        ("--target-rps", "-5", "is not a number > 0"),
        ("--error-budget", "2", "is not a number from 0 to 1"),
        ("--candidates", "x", "is not a whole number"),
    ],
)
def test_a_bad_option_is_named(option: str, value: str, reason: str) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser)
    with pytest.raises(argparse.ArgumentError, match=f"{option}: {value} {reason}"):
        parser.parse_args([f"{option}={value}"])


def test_a_server_that_is_not_there_is_an_error(ids: Path) -> None:
    done = size("--url", f"http://127.0.0.1:{free_port()}", "--id-file", str(ids), *FEW)
    assert done.returncode == 1
    assert "can't connect to 127.0.0.1" in done.stderr
