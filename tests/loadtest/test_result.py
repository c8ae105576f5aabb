"""Results survive their file, and say the same figures in every driver's name."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from loadtest.result import Result, Sample, Workload, read_results, write_results

RESULT = Result(
    server="predict",
    driver="wrk",
    workload=Workload(candidates=40),
    planned_rate=None,
    seconds=2.0,
    sent=1_000,
    answered=900,
    errors={"429": 100},
    latency_ms={"p50": 1.5},
    cpu_seconds=0.5,
    samples=(Sample(1.0, 0.25, 5_000), Sample(2.0, 0.25, 4_000)),
)


def test_figures_follow_from_the_counts() -> None:
    assert RESULT.sent_rate == 500
    assert RESULT.throughput == 450
    assert RESULT.predictions_per_s == 18_000
    assert RESULT.error_share == pytest.approx(0.1)
    assert RESULT.cpu_us == 500
    assert RESULT.cores == 0.25
    assert RESULT.resident_bytes == 5_000
    assert replace(RESULT, samples=()).resident_bytes == 0


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    write_results(tmp_path / "results.json", [RESULT], {"command": "make load"})
    assert read_results(tmp_path / "results.json") == ([RESULT], {"command": "make load"})


def test_cpu_that_nobody_could_see_is_null_in_a_file(tmp_path: Path) -> None:
    unseen = replace(RESULT, cpu_seconds=math.nan, store_cpu_seconds=math.nan, samples=())
    write_results(tmp_path / "results.json", [unseen], {})
    assert '"cpu_seconds": null' in (tmp_path / "results.json").read_text()
    ((found,), _) = read_results(tmp_path / "results.json")
    assert math.isnan(found.cpu_us)
    assert math.isnan(found.cores)
    assert found.throughput == 450


def test_what_was_lost_costs_no_answer() -> None:
    lossy = replace(RESULT, errors={"429": 100, "not sent": 1_000})
    assert lossy.cpu_us == 500
    assert lossy.error_share == pytest.approx(1_100 / 2_000)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"version": 0}')
    with pytest.raises(ValueError, match=r"other\.json holds no results of version 1"):
        read_results(tmp_path / "other.json")


@pytest.mark.parametrize("text", ['{"version": 1}', '{"version": 1, "results": [{}], "about": {}}'])
def test_a_file_that_lacks_something_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(ValueError, match=r"other\.json lacks something of version 1"):
        read_results(tmp_path / "other.json")
