"""The benchmark of whole catalogues: processes that draw, lie and are missing; live services."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from loadtest.drivers.connection import Exchange
from loadtest.sampler.protocol import Failed
from loadtest.top_k.contenders import CONTENDERS, ONE, REFERENCE, TWO, Contender
from loadtest.top_k.measure import Refused, Slice, Stage
from loadtest.top_k.report import draws_tables, requests_tables
from loadtest.top_k.requests import Window, window

OURS = [each for each in CONTENDERS if each.name in (ONE, REFERENCE)]

LIAR = """
import json, sys
print("version 7", flush=True)
for line in sys.stdin:
    k = int(line.split()[3])
    print(json.dumps({{"seconds": [1.0], "stages_ms": {{}}, "values": {values}}}), flush=True)
"""


def liar(values: str) -> Contender:
    return Contender("liar", lambda: [sys.executable, "-c", LIAR.format(values=values)])


def missing() -> list[str]:
    raise Failed("not installed")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(stack, tmp_path, 50)


def test_ours_and_numpy_are_measured_in_every_round(stage: Stage) -> None:
    stage.start([*OURS, Contender("missing", missing)])
    slices = stage.measure([40, 3000], rounds=2, milliseconds=1)
    assert stage.left_out == {"missing": "not installed"}
    told = [(each.n, each.round, each.contender) for each in slices]
    assert told == [(n, i, name) for n in (40, 3000) for i in range(2) for name in stage.versions]
    assert all(0 < each.median <= max(each.seconds) for each in slices)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("[0.5] * (k - 1)", "49 values, must be 50 that descend"),
        ("[i / k for i in range(k)]", "50 values, must be 50 that descend"),
        ("[0.01] * k", "the mean of the 50 best is 0.01000, must be"),
        ("[float('nan')] * k", "the mean of the 50 best is nan, must be"),
    ],
)
def test_a_contender_that_lies_about_the_best_is_refused(
    stage: Stage, values: str, said: str
) -> None:
    stage.start([liar(values)])
    with pytest.raises(Refused, match=f"liar, 3000 arms: {said}"):
        stage.measure([3000], rounds=1, milliseconds=1)


def test_one_that_fails_on_the_way_is_left_out(stage: Stage) -> None:
    stage.start([liar("sys.exit('out of draws')"), *OURS[:1]])
    slices = stage.measure([3000], rounds=2, milliseconds=1)
    assert {each.contender for each in slices} == {ONE}
    assert stage.left_out == {"liar": "out of draws"}


def test_the_tables_give_medians_ranges_ratios_and_stages() -> None:
    times = {ONE: (0.004, 0.002, 0.008), TWO: (0.001, 0.001, 0.004)}
    slices = [
        Slice(name, 10_000, i, [seconds])
        for name, each in times.items()
        for i, seconds in enumerate(each)
    ]
    gpu = Slice("CUDA, exact kernel", 10_000, 0, [0.003], {"kernel": 1.0, "transfer": 0.5})
    versions = dict.fromkeys((ONE, TWO, gpu.contender), "1")
    table = draws_tables([*slices, gpu], versions, {REFERENCE: "gone"}, 100)
    assert "| betadist, 1 thread | 4 (2..8); 2 |" in table
    assert "| betadist, 2 threads over betadist, 1 thread | 2 (2..4) |" in table
    assert "| CUDA, exact kernel | 10,000 | 1.5 (1.5..1.5) | 0.5 (0.5..0.5) | 1 (1..1) |" in table
    assert f"- left out: {REFERENCE}: gone" in table
    without = draws_tables(slices, versions, {gpu.contender: "no driver"}, 100)
    assert "No CUDA device was measured. CUDA, exact kernel: no driver" in without


HEAD = b"HTTP/1.1 200 OK\r\nServer-Timing: decode;dur=0.5, draw;dur=%d.0, encode;dur=0.25\r\n\r\n"


def answered(seconds: float, version: str, draw: int) -> Exchange:
    body = json.dumps({"catalog": {"version": version}}).encode()
    return Exchange(1.0, 1.001, 1.0 + seconds, "", HEAD % draw, body)


def test_a_window_tells_latencies_stages_errors_and_versions() -> None:
    exchanges = [answered(0.01 * i, f"v{i % 2}", i) for i in (1, 2, 3)]
    seen = window("steady", 4, [*exchanges, Exchange(1.0, 1.0, 2.0, "503")])
    assert (seen.what, seen.round, seen.answered, seen.versions) == ("steady", 4, 3, 2)
    assert seen.errors == {"503": 1}
    assert seen.latency_ms["p50"] == pytest.approx(20)
    assert seen.latency_ms["max"] == pytest.approx(30)
    assert seen.stages_ms == {"decode": 0.5, "draw": 2.0, "encode": 0.25}
    with pytest.raises(RuntimeError, match=r"steady: no answer, but \{'503': 1\}"):
        window("steady", 0, [Exchange(1.0, 1.0, 2.0, "503")])


def test_ratios_of_windows_are_taken_within_a_round() -> None:
    windows = [
        Window(name, i, 9, {}, {"p50": 1.0, "p99": p99, "max": 9.0}, {"draw": 1.0}, 0.0, 1)
        for i, (steady, busy) in enumerate([(1.0, 2.0), (4.0, 4.0), (1.0, 1.5)])
        for name, p99 in (("steady", steady), ("refreshing", busy))
    ]
    said = "p99 while refreshing is 1.5 (1..2) times that of the steady state."
    assert said in requests_tables(windows, 1000)


@pytest.mark.long
def test_services_are_asked_with_threads_and_while_they_refresh(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "result.json"
    command = [sys.executable, "-m", "loadtest.top_k", "--parts", "threads", "refresh"]
    command += ["--arms", "3000", "--k", "7", "--windows", "1", "--seconds", "0.5"]
    command += ["--rate", "40", "--json", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert "times faster with 2 threads." in result.stdout
    assert "times that of the steady state." in result.stdout
    found = json.loads(file.read_text())
    assert [each["what"] for each in found["threads"]] == ["1 thread", "2 threads"]
    steady, refreshing = found["refresh"]
    for each in (*found["threads"], steady, refreshing):
        assert (each["errors"], each["answered"] > 0) == ({}, True)
        assert each["stages_ms"]["draw"] > 0
    assert steady["versions"] == 1
