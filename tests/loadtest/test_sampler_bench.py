"""The benchmark of the sampler, with processes that draw, lie, fail and are missing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from loadtest.sampler.contenders import Contender, levels
from loadtest.sampler.floor import floor, floors
from loadtest.sampler.measure import Refused, Sample, Stage
from loadtest.sampler.mixes import MIXES, Case, moments, shapes, write
from loadtest.sampler.report import render

DOUBLE = ("float64",)

# Draws with NumPy; {draw} is what it says that it drew
PEER = """
import sys, numpy as np
print("version 7", flush=True)
for line in sys.stdin:
    _, mix, n, dtype, _ = line.split()
    alpha, beta = np.fromfile(f"{{sys.argv[1]}}/{{mix}}-{{n}}-{{dtype}}.bin", dtype).reshape(2, -1)
    x = {draw}
    print(len(x), 1000, x.mean(), (x * x).mean(), flush=True)
"""
HONEST = "np.random.default_rng(1).beta(alpha, beta)"


def peer(name: str, draw: str) -> Contender:
    program = PEER.format(draw=draw)
    return Contender(name, DOUBLE, lambda: [sys.executable, "-c", program])


def program(name: str, *command: str) -> Contender:
    return Contender(name, DOUBLE, lambda: list(command))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(stack, tmp_path)


def test_warm_shapes_are_counts_within_the_impressions() -> None:
    alpha, beta = shapes("warm", 100_000)
    impressions = alpha + beta - 2
    assert impressions.min() == 10
    assert impressions.max() == 5000
    assert alpha.min() >= 1
    assert beta.min() >= 1
    assert abs((alpha - 1).sum() / impressions.sum() - 2 / 32) < 0.002


def test_an_eighth_of_some_below_1_is_below_1() -> None:
    alpha, beta = shapes("some-below-1", 100_000)
    assert 0.12 < np.mean((alpha < 1) | (beta < 1)) < 0.13
    assert min(alpha.min(), beta.min()) == 0.5


def test_the_other_mixes_keep_their_ranges() -> None:
    alpha, beta = shapes("cold", 10_000)
    assert {*alpha} == {1, 2, 3}
    assert {*beta} == {*range(1, 41)}
    for column in shapes("all-below-1", 10_000, "float32"):
        assert column.min() >= 0.05
        assert column.max() < 1


@pytest.mark.parametrize("mix", MIXES)
def test_shapes_are_seeded(mix: str) -> None:
    np.testing.assert_array_equal(shapes(mix, 400), shapes(mix, 400))
    assert not np.array_equal(shapes(mix, 400), np.array(shapes(mix, 800))[:, :400])


def test_a_file_holds_alpha_then_beta_in_its_dtype(tmp_path: Path) -> None:
    write(Case("warm", 40, "float32"), tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.name == "warm-40-float32.bin"
    np.testing.assert_array_equal(
        np.fromfile(path, "<f4"), np.concatenate(shapes("warm", 40, "float32"))
    )


@pytest.mark.parametrize("mix", MIXES)
def test_moments_are_those_of_beta(mix: str) -> None:
    alpha, beta = shapes(mix, 50)
    law = stats.beta(alpha, beta)
    powers = {k: np.array([law.moment(k)]).ravel() for k in (1, 2, 4)}
    found = moments(alpha, beta)
    assert found.mean == pytest.approx(powers[1].mean())
    assert found.mean_sigma == pytest.approx(np.sqrt(law.var().sum()) / 50)
    assert found.square == pytest.approx(powers[2].mean())
    assert found.square_sigma == pytest.approx(np.sqrt((powers[4] - powers[2] ** 2).sum()) / 50)


def test_an_honest_contender_is_measured_in_every_round(stage: Stage) -> None:
    stage.start([peer("honest", HONEST)])
    samples = stage.measure(["warm"], [400, 500], rounds=3, milliseconds=1)
    assert stage.versions == {"honest": "version 7"}
    assert stage.left_out == {}
    assert [(s.n, s.round) for s in samples] == [(n, i) for n in (400, 500) for i in range(3)]
    assert {(s.contender, s.dtype, s.nanoseconds) for s in samples} == {("honest", "float64", 1000)}


@pytest.mark.parametrize(
    ("draw", "what"),
    [
        ("np.random.default_rng(1).beta(alpha + 1, beta)", "the mean is"),
        ("alpha / (alpha + beta)", "the mean square is"),
        (f"{HONEST} * np.nan", "the mean is nan"),
    ],
)
def test_a_contender_that_lies_about_its_draws_is_refused(
    stage: Stage, draw: str, what: str
) -> None:
    stage.start([peer("liar", draw)])
    with pytest.raises(Refused, match=f"liar, cold, n = 10000, float64: {what}"):
        stage.measure(["cold"], [10_000], rounds=1, milliseconds=1)


def test_contenders_that_are_missing_or_fail_are_named_with_the_reason(stage: Stage) -> None:
    stage.start(
        [
            program("missing", "/nowhere/peer"),
            program("breaks", sys.executable, "-c", "raise ImportError('no such sampler')"),
            program("silent", "false"),
            peer("fails later", f"{HONEST} if n == '400' else sys.exit('out of draws')"),
            program("babbles", "sh", "-c", "echo 1; read line; echo what"),
            program("idles", "sh", "-c", "echo 1; read line; echo 0 1000 0 0"),
            peer("honest", HONEST),
        ]
    )
    samples = stage.measure(["warm"], [400, 500], rounds=1, milliseconds=1)
    assert {sample.contender for sample in samples} == {"honest"}
    assert stage.left_out.pop("missing").endswith("No such file or directory: '/nowhere/peer'")
    assert stage.left_out == {
        "breaks": "ImportError: no such sampler",
        "silent": "ended with status 1",
        "fails later": "out of draws",
        "babbles": "answered 'what'",
        "idles": "drew 0 values in 1000 ns",
    }


def test_a_simd_level_that_is_not_there_is_named(stage: Stage) -> None:
    stage.start(levels())
    assert "betadist scalar" in stage.versions
    assert {*stage.versions} | {*stage.left_out} == {level.name for level in levels()}
    for reason in stage.left_out.values():
        assert reason.startswith("ImportError: BETADIST_SIMD is")


def sample(contender: str, dtype: str, round_: int, nanoseconds: int) -> dict[str, Any]:
    measured = Sample("warm", 400, dtype, contender, round_, 100, nanoseconds, 0.5, 0.3, 2.0)
    return asdict(measured)


def test_the_report_gives_medians_ranges_ratios_and_cycles() -> None:
    ours = [sample("betadist", "float32", i, ns) for i, ns in enumerate([200, 300, 500])]
    reference = [sample("numpy PCG64", "float64", i, ns) for i, ns in enumerate([4000, 3000, 6000])]
    document = {
        "machine": {"processor": "abacus"},
        "method": "by hand",
        "command": "count",
        "mixes": {"warm": "made so"},
        "counts": [400],
        "versions": {"betadist": "STREAM_VERSION 1, avx2", "numpy PCG64": "numpy 3"},
        "left_out": {"torch": "not installed"},
        "floors": {"avx2 warm float32": {"bound": 3.0, "unit": "divider", "sum": 4.5}},
        "samples": ours + reference,
    }
    lines = [line.strip() for line in render(json.loads(json.dumps(document))).splitlines()]
    assert "processor: abacus" in lines
    assert "### warm: made so" in lines
    assert "| betadist | float32 | 3 (2..5); 12 (10..20)x |" in lines
    assert "| numpy PCG64 | float64 | 40 (30..60); 1 (1..1)x |" in lines
    assert "| betadist | float32 | warm | 3.00 | divider | 4.50 | 6 (4..10) |" in lines
    assert "- numpy PCG64: numpy 3" in lines
    assert "- torch: not installed" in lines


def test_a_floor_is_the_time_of_the_busiest_unit() -> None:
    operations = {"fma": 16.0, "mul": 16.0, "add": 8.0, "logic": 16.0}
    found = floor(operations, "float32", 512)
    assert (found.bound, found.unit) == (1.0, "multiply pipes")
    assert found.sum == 1.375
    assert floor(operations, "float64", 256).bound == 4.0
    assert floor({"logic": 64.0}, "float32", 512).unit == "all pipes"
    assert (
        floor({"product": 16.0}, "float32", 512).bound
        == 2 * floor({"mul": 16.0}, "float32", 512).bound
    )


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
def test_the_kernel_needs_at_least_a_block_of_philox_for_a_draw(tmp_path: Path) -> None:
    found, reason = floors(["warm"], tmp_path)
    assert reason == ""
    assert {*found} == {f"{s} warm {t}" for s in ("avx512", "avx2") for t in ("float32", "float64")}
    for each in found.values():
        assert each.operations["product"] >= 20
        assert each.operations["div"] >= 3
        assert 0 < each.bound < each.sum


def test_the_benchmark_measures_ours_beside_numpy(tmp_path: Path) -> None:
    document, table = tmp_path / "result.json", tmp_path / "result.md"
    command = [sys.executable, "-m", "loadtest.sampler", "--peers", "betadist,numpy"]
    command += ["--n", "400,1000", "--rounds", "2", "--milliseconds", "1"]
    command += ["--mixes", "warm,all-below-1", "--json", str(document), "--markdown", str(table)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert result.stdout == table.read_text()
    found = json.loads(document.read_text())
    assert found["left_out"].keys() <= {"clock", "floor"}
    names = {"betadist", "numpy PCG64", "numpy SFC64", "numpy Philox"}
    assert names <= found["versions"].keys()
    assert {s["contender"] for s in found["samples"]} == names
    assert len(found["samples"]) == 2 * 2 * 2 * 5
    assert all(s["draws"] % s["n"] == 0 and s["nanoseconds"] > 0 for s in found["samples"])
    assert render(found) + "\n" == table.read_text()


def test_scaling_is_a_table_of_ratios() -> None:
    command = [sys.executable, "-m", "loadtest.sampler.scaling", "--rounds", "2"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    rows = [line.split("|") for line in result.stdout.splitlines()[2:]]
    assert [row[2].strip() for row in rows] == ["400", "10000", "1000000"] * 2
    assert all(0 < float(row[3].split()[0]) < 10 for row in rows)
