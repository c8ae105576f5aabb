"""GET /metrics of a real service: what is counted, over all workers, whatever becomes of them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
UNITS = ("seconds", "bytes")

WORKERS = "bandit_serve_workers"


def scrape(service) -> dict[str, Metric]:
    answer = httpx.get(f"{service.url}/metrics")  # a connection of its own: whichever worker
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def values(families: dict[str, Metric], name: str, label: str | None = None) -> dict[str, float]:
    """Return the samples of a name, by the value of a label."""
    samples = [s for family in families.values() for s in family.samples if s.name == name]
    found: dict[str, float] = {}
    for sample in samples:
        key = sample.labels.get(label or "", "")
        found[key] = found.get(key, 0.0) + sample.value
    return found


def await_scrape(service, name: str, label: str, expected: dict[str, float]) -> dict[str, Metric]:
    """Scrape until the other worker has published what is expected; more than that fails."""
    deadline = time.monotonic() + 10
    while True:
        families = scrape(service)
        found = values(families, name, label)
        if {key: found.get(key) for key in expected} == expected:
            return families
        assert all(found.get(key, 0) <= expected[key] for key in expected), found
        assert time.monotonic() < deadline, found


def post(service, **request: object) -> None:
    """Post on a connection of its own, so that either worker may answer."""
    httpx.post(f"{service.url}/predict", **request)  # type: ignore[arg-type]


def test_every_request_is_counted_once_over_both_workers(start, store) -> None:
    service = start(store, workers=2, server_max_body_bytes=2000)
    for _ in range(10):
        post(service, json={"candidates": ["c1", "c2", "nobody"]})
        post(service, json={"candidates": ["c1"], "model": "greedy"})
        post(service, content=b"{", headers={"content-type": "application/json"})
        post(service, json={})
        post(service, content=b"x" * 3000, headers={"content-type": "application/json"})
        post(service, content=b"x", headers={"content-type": "text/plain"})
        httpx.get(f"{service.url}/predict")
        httpx.get(f"{service.url}/nowhere")
    expected = {"200": 20.0, "400": 10.0, "422": 10.0, "413": 10.0, "415": 10.0, "405": 10.0}
    expected |= {"429": 0.0, "503": 0.0}
    families = await_scrape(service, "bandit_serve_requests_total", "status", expected)
    problems = {"NotFound": 10.0, "MalformedBody": 10.0, "Internal": 0.0}
    families = await_scrape(service, "bandit_serve_problems_total", "kind", problems)
    assert values(families, "bandit_serve_predictions_total", "model")["homepage"] == 10
    assert values(families, "bandit_serve_candidates_total", "model")["homepage"] == 30
    assert values(families, "bandit_serve_missing_candidates_total", "model")["homepage"] == 10
    seconds = values(families, "bandit_serve_request_seconds_count", "outcome")
    assert seconds == {"ok": 20, "problem": 40}
    stages = values(families, "bandit_serve_request_stage_seconds_count", "stage")
    listed = dict.fromkeys(("decode", "features", "score", "rank", "encode"), 20)
    assert stages == {**listed, "draw": 0}
    assert values(families, WORKERS) == {"": 2}
    assert values(families, "bandit_serve_hot_tier_hits_total")[""] >= 30


def test_counters_never_fall_when_a_worker_is_killed(start, store) -> None:
    service = start(store, workers=2)
    name = "bandit_serve_predictions_total"
    for _ in range(50):
        post(service, json={"candidates": ["c1"]})
    families = await_scrape(service, name, "model", {"homepage": 50.0})
    pid = httpx.get(f"{service.url}/health").json()["worker"]["pid"]
    os.kill(pid, signal.SIGKILL)
    before, deadline = families, time.monotonic() + 20
    started = "bandit_serve_workers_started_total"
    while values(families, started)[""] < 3 or values(families, WORKERS)[""] < 2:
        assert time.monotonic() < deadline
        try:
            post(service, json={"candidates": ["c1"]})
            families = scrape(service)
        except httpx.TransportError:
            continue
        assert fallen(before, families) == {}
        before = families
    assert values(families, name, "model")["homepage"] >= 50


def fallen(before: dict[str, Metric], after: dict[str, Metric]) -> dict[str, object]:
    """Return the samples of counters and histograms that fell."""

    def growing(families: dict[str, Metric]) -> dict[str, float]:
        return {
            f"{s.name}{sorted(s.labels.items())}": s.value
            for family in families.values()
            if family.type in ("counter", "histogram")
            for s in family.samples
        }

    now = growing(after)
    return {k: (v, now.get(k)) for k, v in growing(before).items() if now.get(k, -1.0) < v}


def calibrations(service) -> list[str]:
    """Return the lines of the log that tell of a calibration."""
    messages = [str(line["message"]) for line in service.log_lines()]
    return [message for message in messages if "measured in" in message]


def test_draws_and_crossovers_are_told_by_back_end(start, store) -> None:
    service = start(store, workers=2, sampler_threads=2, sampler_gpu="off")
    draws = "bandit_serve_draws_total"
    deadline = time.monotonic() + 20
    while not (told := calibrations(service)) or values(scrape(service), WORKERS)[""] < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    before = values(scrape(service), draws, "backend")  # those of both workers' start
    assert before.keys() == {"cpu", "cpu_threads", "gpu"}
    for _ in range(10):
        post(service, json={"candidates": ["c1", "c2", "nobody"]})
        post(service, json={"candidates": ["c1"], "model": "greedy"})
    families = await_scrape(service, draws, "backend", {"cpu": before["cpu"] + 30})
    assert values(families, "bandit_serve_gpu_failures_total") == {"": 0}
    crossovers = {
        (sample.labels["kind"], sample.labels["backend"]): sample.value
        for sample in families["bandit_serve_crossover_arms"].samples
    }
    kinds, backends = ("top_k", "list"), ("cpu_threads", "gpu")
    assert crossovers.keys() == {(kind, backend) for kind in kinds for backend in backends}
    assert all(arms >= 4096 for arms in crossovers.values())
    assert crossovers["top_k", "gpu"] == crossovers["list", "gpu"] == float("inf")
    assert values(families, "bandit_serve_calibrated_workers")[""] in (0, 1, 2)
    assert calibrations(service) == told


def test_histograms_are_cumulative(service) -> None:
    for _ in range(20):
        post(service, json={"candidates": ["c1", "c2"]})
    families = scrape(service)
    histograms = [family for family in families.values() if family.type == "histogram"]
    assert histograms
    for family in histograms:
        series: dict[tuple[str, ...], list[float]] = {}
        for s in family.samples:
            key = tuple(v for k, v in sorted(s.labels.items()) if k != "le")
            if s.name.endswith("_bucket"):
                series.setdefault(key, []).append(s.value)
            if s.name.endswith("_count"):
                assert series[key][-1] == s.value
        assert all(counts == sorted(counts) for counts in series.values())


def test_names_and_units_keep_the_conventions(service) -> None:
    for family in scrape(service).values():
        assert re.fullmatch(r"bandit_serve_[a-z_]+", family.name)
        assert family.documentation.endswith("."), family.name
        assert (family.type == "counter") == all(s.name.endswith("_total") for s in family.samples)
        if family.type == "histogram":
            assert family.name.endswith(UNITS)
        assert not re.search(r"_(ms|us|millis\w*|kb|mib|percent)(_|$)", family.name)
        for sample in family.samples:
            assert set(sample.labels) <= {
                "backend",
                "kind",
                "model",
                "reason",
                "outcome",
                "protocol",
                "stage",
                "status",
            } | {*("le", "simd", "version")}


def test_promtool_has_no_complaint(service) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; on Debian: apt-get install prometheus")
    text = httpx.get(f"{service.url}/metrics").content
    check = [promtool, "check", "metrics"]
    result = subprocess.run(check, input=text, capture_output=True, timeout=30, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, b"")


def test_openmetrics_is_spoken_to_who_accepts_it(service) -> None:
    answer = httpx.get(f"{service.url}/metrics", headers={"accept": OPENMETRICS})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in parse_openmetrics(answer.text)}
    assert {"bandit_serve_requests", "bandit_serve_request_stage_seconds"} <= names


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/openmetrics-text; version=x"])
def test_anybody_else_gets_the_text_format(service, accept: str) -> None:
    answer = httpx.get(f"{service.url}/metrics", headers={"accept": accept})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


PATIENT = """
default_model = "m"
[models.m]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
deadline_ms = 60000
"""


def test_a_scrape_is_no_prediction_and_is_never_shed(start, store) -> None:
    service = start(store, models=PATIENT, server_max_in_flight=1)
    address = httpx.URL(service.url)
    with socket.create_connection((address.host, address.port)) as stuck:
        head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        stuck.sendall(head + b"content-length: 10\r\n\r\n{")
        deadline = time.monotonic() + 5
        while values(scrape(service), "bandit_serve_requests_in_flight")[""] == 0:
            assert time.monotonic() < deadline
    families = scrape(service)
    assert sum(values(families, "bandit_serve_predictions_total").values()) == 0


def test_a_store_that_is_gone_delays_no_scrape(start, tmp_path, write_store) -> None:
    service = start(write_store(tmp_path / "gone", {"content": (["a"], np.ones((1, 2)))}))
    shutil.rmtree(tmp_path / "gone")
    assert values(scrape(service), WORKERS) == {"": 1}


def figure_folders() -> set[str]:
    return {path.name for path in Path("/dev/shm").glob("bandit-serve-*")}  # noqa: S108


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_folder_of_the_figures_is_removed_at_the_end(start, store, end) -> None:
    before = figure_folders()
    service = start(store, workers=2)
    made = figure_folders() - before
    if not made:
        pytest.skip("there is no /dev/shm to write to")
    service.process.send_signal(end)
    service.process.wait(30)
    deadline = time.monotonic() + 10
    while made <= figure_folders():  # other services may have begun meanwhile, and run on
        assert time.monotonic() < deadline
        time.sleep(0.02)
