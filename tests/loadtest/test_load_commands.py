"""The commands of the load suite against the real service, started once."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loadtest.__main__ import main
from loadtest.drivers import DRIVERS, Load, PythonDriver
from loadtest.drivers.program import BUILD
from loadtest.listeners import listener
from loadtest.processes import free_port, process_tree
from loadtest.result import read_results
from loadtest.target import Target, target

OPTIONS = argparse.Namespace(
    url=None, id_file=None, workers=1, candidates=40, ids="zipf", cold_share=0.25, users=3
)
OPTIONS.rows, OPTIONS.seed = 600, 1
PLACES = {"wrk": "bin/wrk", "k6": "bin/k6", "locust": "locust/venv/bin/locust"}


@pytest.fixture(scope="module")
def service() -> Iterator[Target]:
    with target(OPTIONS) as found:
        yield found


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ids of the contents of the service, which are those of a sample of as many rows."""
    file = tmp_path_factory.mktemp("ids") / "ids.csv"
    serve = str(Path(sys.executable).with_name("bandit-serve"))
    subprocess.run([serve, "sample", file, "--rows", "200"], check=True, capture_output=True)
    return file


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["loadtest", *arguments])
    main()


def asked(service: Target, ids: Path) -> list[str]:
    base = service.url.removesuffix("/predict")
    options = f"--url {base} --id-file {ids} --candidates 40 --users 3 --cold-share 0.25"
    return options.split()


def test_the_started_service_knows_all_but_the_cold_pairs(service: Target) -> None:
    for body in service.bodies.lines()[:20]:
        request = urllib.request.Request(service.url, body.encode())  # noqa: S310
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            assert json.load(answer)["missing"] == 10


def test_the_process_behind_a_port_is_found(service: Target) -> None:
    parts = urlsplit(service.url)
    assert parts.port
    assert listener(parts.hostname, parts.port) == service.watched.pid
    assert listener("127.0.0.1", free_port()) is None
    assert listener("192.0.2.1", parts.port) is None


def test_the_python_driver_sees_the_server_s_cpu_memory_and_stages(service: Target) -> None:
    result = PythonDriver().run(Load(service, 0.5, 16, 200.0))
    assert (result.sent, result.answered, result.errors) == (100, 100, {})
    assert result.planned_rate == 200
    assert result.cpu_us > 0
    assert result.resident_bytes > 10_000_000
    assert all(sample.cores >= 0 for sample in result.samples)
    assert {"features", "score"} <= set(result.stages_ms)
    assert result.predictions_per_s == pytest.approx(40 * 200)


def test_a_load_on_a_live_service_is_printed_and_written(
    service: Target,
    ids: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "new" / "results.json"
    run(
        monkeypatch,
        *("load", "--rate", "50", "100", "--seconds", "0.3", "--warm-up", "0.1"),
        *("--json", str(file), *asked(service, ids)),
    )
    assert capsys.readouterr().out.count("| python |") == 2
    results, about = read_results(file)
    assert [result.planned_rate for result in results] == [50, 100]
    assert [result.answered for result in results] == [15, 30]
    assert results[0].workload.rows == 200
    assert "--rate 50 100" in about["command"]
    assert about["machine"]["cores"] > 0


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ("load --rate 0", "argument --rate: 0 is not a number > 0"),
        ("load --cold-share 2", "argument --cold-share: 2 is not a number from 0 to 1"),
        ("load --candidates few", "argument --candidates: few is not a whole number"),
        ("load --driver hey", "argument --driver: invalid choice: 'hey'"),
        (
            "load --candidates 40 --url ftp://a --id-file {ids}",
            "url is 'ftp://a/predict', must be http://",
        ),
        (
            "load --candidates 9 --url http://127.0.0.1:1 --id-file {ids}",
            "can't connect to 127.0.0.1:1",
        ),
        ("load --url http://127.0.0.1:1 --id-file /nowhere", "No such file or directory"),
    ],
)
def test_a_wrong_option_is_named(
    arguments: str,
    what: str,
    ids: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, *arguments.format(ids=ids).split())
    assert what in f"{ended.value} {capsys.readouterr().err}"


@pytest.mark.long
@pytest.mark.parametrize("name", ["wrk", "k6", "locust"])
def test_programs_of_others_give_the_same_figures(name: str, service: Target) -> None:
    if not (shutil.which(name) or shutil.which(BUILD / PLACES[name])):
        pytest.skip(f"{name} is not installed: make load-{name}")
    rate = None if name == "wrk" else 40.0
    result = DRIVERS[name].run(Load(service, 3.0, 16, rate))
    assert result.driver == name
    assert set(result.errors) <= {"not sent"}  # by k6 on a busy machine
    assert result.answered == result.sent
    if rate:
        assert result.sent_rate == pytest.approx(rate, rel=0.2)
    assert list(result.latency_ms) == ["p50", "p90", "p95", "p99", "p99.9", "max"]
    assert all(ms > 0 for ms in result.latency_ms.values())
    assert result.cpu_us > 0
    assert result.samples


@pytest.mark.long
@pytest.mark.parametrize("more", [(), ("--probe-rate", "20")])
def test_a_short_soak_says_what_became_of_memory(
    more: tuple[str, ...],
    service: Target,
    ids: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if more and shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    with suppress(SystemExit):  # the memory of a young server may well grow
        run(monkeypatch, "soak", "--minutes", "0.2", "--rate", "50", *more, *asked(service, ids))
    said = capsys.readouterr().out
    assert "% after the warm-up" in said
    assert ("wrk at a rate" in said) == bool(more)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_a_soak_that_is_told_to_end_leaves_nothing_running(ids: Path) -> None:
    options = f"--minutes 5 --rate 50 --probe-rate 5 --rows 600 --id-file {ids} --workers 1"
    command = [sys.executable, "-m", "loadtest", "soak", *options.split()]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as soak:
        latest = time.monotonic() + 60
        while "wrk" not in (started := processes(soak.pid)).values():
            assert time.monotonic() < latest
            time.sleep(0.05)
        soak.terminate()
        _, said = soak.communicate(timeout=30)
    assert soak.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in said
    latest = time.monotonic() + 5  # the service's own helpers follow it
    while left := [name for pid, name in started.items() if processes(pid).get(pid) == name]:
        assert time.monotonic() < latest, left
        time.sleep(0.05)


def processes(pid: int) -> dict[int, str]:
    """The names of a process and its descendants that have not ended."""
    names = {}
    for each in process_tree(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            status = dict(
                line.split(":\t") for line in Path(f"/proc/{each}/status").read_text().splitlines()
            )
            if not status["State"].startswith("Z"):
                names[each] = status["Name"]
    return names


@pytest.mark.long
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_an_overload_is_set_beside_the_maximum(
    service: Target,
    ids: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "overload.json"
    options = ("--seconds", "2", "--rounds", "2", "--json", str(file))
    run(monkeypatch, "overload", *options, *asked(service, ids))
    assert "goodput" in capsys.readouterr().out
    results, _ = read_results(file)
    for number, (maximum, offered) in enumerate((results[:2], results[2:])):
        assert (maximum.round, offered.round) == (number, number)
        assert offered.planned_rate == pytest.approx(2 * maximum.throughput)
        assert set(offered.errors) <= {"429", "503", "504"}
