"""Comparisons: what is measured, what is missing, and what may not pass for a result."""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from loadtest.compare import add_arguments, compare
from loadtest.contenders import CONTENDERS, Contender
from loadtest.ratios import comparison_table, ratios
from loadtest.result import Result, Workload, read_results

needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None, reason="needs wrk; on Debian: apt-get install wrk"
)
MISSING = [name for name in ("wrk", "redis-server") if shutil.which(name) is None]
TINY = ("--rows", "1000", "--rounds", "1", "--seconds", "1", "--warm-up", "0", "--workers", "1")
SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.answer(200, b"{{}}")
    def do_POST(self):
        ids = json.loads(self.rfile.read(int(self.headers["content-length"])))["candidates"]
        self.answer(*{answer})
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""


def result(server: str, number: int, cpu_seconds: float) -> Result:
    latency = {"p50": 1.0, "p99": 2.5}
    load = (server, "wrk", Workload(candidates=10), None, 2.0, 1_000, 1_000, {}, latency)
    return Result(*load, cpu_seconds, round=number)


def contender(answer: str, ranks: bool = True) -> Contender:
    """Return a server whose answer to `ids` is an expression: status and body."""
    program = SERVER.format(answer=answer)
    return Contender("other", lambda _: (sys.executable, "-c", program), ranks=ranks)


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([*TINY, *words])


def command(*words: str) -> str:
    run = [sys.executable, "-m", "loadtest", "compare", *TINY, *words]
    return subprocess.run(run, capture_output=True, text=True, timeout=100, check=True).stdout


def test_ratios_are_taken_round_by_round() -> None:
    ours, others = (0.1, 0.2, 0.1), (0.2, 0.6, 0.1)
    results = [result("ours", i, cpu) for i, cpu in enumerate(ours)]
    results += [result("other", i, cpu) for i, cpu in enumerate(others)]
    assert ratios(results, "other", "ours") == pytest.approx([2, 3, 1])
    _, _, first, second = comparison_table(results, "ours").splitlines()
    assert first.startswith("| ours | 100 (100..200) | 1.00 (1.00..1.00) | 500 | 5,000 | 1.00 |")
    assert second.startswith("| other | 200 (100..600) | 2.00 (1.00..3.00) |")


@needs_wrk
def test_the_service_is_compared_with_an_empty_reply(tmp_path: Path) -> None:
    file = tmp_path / "compare.json"
    table = command("--only", "bandit-serve", "empty-reply", "--json", str(file))
    (service, empty), about = read_results(file)
    assert (service.server, service.round, service.driver) == ("bandit-serve", 0, "wrk")
    assert service.workload == Workload(candidates=400, rows=1000)
    assert service.errors == empty.errors == {}
    assert min(service.cpu_us, empty.cpu_us) > 0
    assert service.resident_bytes > 0
    assert "| empty-reply |" in table
    assert about["absent"] == []


@needs_wrk
def test_answers_that_do_not_rank_are_pointed_out(tmp_path: Path) -> None:
    file = tmp_path / "compare.json"
    said = command("--only", "bandit-serve", "bandit-serve-oip", "--json", str(file))
    assert said.endswith(
        "\n\nbandit-serve-oip answers the scores alone, in the order of the candidates; "
        "both are binary tensors\n"
    )


@pytest.mark.parametrize("name", ["article_go", "article_python", "fast_go", "fast_rust"])
@pytest.mark.parametrize("kind", ["", "-redis"])
def test_every_peer_is_known(name: str, kind: str) -> None:
    (peer,) = (each for each in CONTENDERS if each.name == name + kind)
    assert peer.build == "make peers"
    assert peer.redis == (kind == "-redis")


def test_a_contender_that_is_not_built_is_named_with_the_command_that_builds_it(
    tmp_path: Path,
) -> None:
    there = Contender("there", lambda _: (), tmp_path)
    absent = Contender("absent", lambda _: (), tmp_path / "nothing", "make absent")
    assert there.absence == ""
    assert absent.absence == "not built, so not compared: absent (make absent)"
    with pytest.raises(ValueError, match="none of the contenders is built"):
        compare([], options())


@needs_wrk
@pytest.mark.parametrize(
    ("answer", "ranks", "message"),
    [
        ("(500, b'')", False, "answered no request"),
        ("(200, json.dumps({'candidates': ids[1:]}).encode())", True, "not those asked for"),
    ],
)
def test_a_contender_that_fails_fails_the_comparison(
    answer: str, ranks: bool, message: str
) -> None:
    with pytest.raises(RuntimeError, match=message):
        compare([contender(answer, ranks)], options())


@pytest.mark.long
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_the_stores_are_compared(tmp_path: Path) -> None:
    file = tmp_path / "compare.json"
    names = ("bandit-serve", "bandit-serve-redis", "bandit-serve-redis-hot-tier", "empty-reply")
    command("--only", *names, "--json", str(file))
    results = {result.server: result for result in read_results(file)[0]}
    assert tuple(results) == names
    assert results["bandit-serve-redis"].store_cpu_seconds > 0
    assert results["bandit-serve"].store_cpu_seconds == 0


def test_options_out_of_range_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    refused: Sequence[tuple[str, str]] = [("--rounds", "0"), ("--only", "nobody")]
    for option, value in refused:
        with pytest.raises(SystemExit):
            options(option, value)
        message = capsys.readouterr().err
        assert option in message
        assert value in message
