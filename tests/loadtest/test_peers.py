"""The contract of the services that ours is compared with, in memory and on a real Redis.

Their draws have no seed. The bound on each moment is six standard errors, a false alarm in 5e8;
with four services, two stores, five shapes and two moments, one run in six million.
"""

import csv
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import httpx
import numpy as np
import pytest
from scipy import stats

from loadtest.catalogue import COMMAND
from loadtest.processes import free_port, running
from tests.featurestore.redis import servers

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "loadtest" / "peers"
BUILT = ROOT / "build" / "peers"
PROGRAMS = {
    "article_go": [BUILT / "article_go"],
    "article_python": [
        BUILT / "article_python" / "venv" / "bin" / "python",
        SOURCES / "article_python" / "main.py",
    ],
    "fast_go": [BUILT / "fast_go"],
    "fast_rust": [BUILT / "fast_rust"],
}
BUILT_PROGRAMS = {name: command for name, command in PROGRAMS.items() if command[0].exists()}
STORES = ("memory", "redis")

MAX_BODY = 4 << 20
PRIOR = (2.0, 30.0)
SHAPES = (PRIOR, (0.5, 0.5), (1.0, 1.0), (60.0, 3.0), (3000.0, 5000.0))
ARMS = 500  # of each shape
REQUESTS = 20
STANDARD_ERRORS = 6.0
ODD = 'naïve "quoted" \\ \u2028 id'
NARROW = 1e8  # alpha + beta; the standard deviation is at most 5e-5


def known() -> dict[str, tuple[float, float]]:
    """Arms by id: some of each shape but the prior, some that hardly vary, one with an odd id."""
    arms = {f"s{s}-{i}": SHAPES[s] for s in range(1, len(SHAPES)) for i in range(ARMS)}
    means = {f"narrow-{i:03}": i / 250 for i in range(1, 250)}
    arms |= {name: (mean * NARROW, (1 - mean) * NARROW) for name, mean in means.items()}
    return arms | {ODD: (900.0, 100.0)}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of posteriors, which is loaded into stores."""
    file = tmp_path_factory.mktemp("posteriors") / "posteriors.csv"
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("id", "alpha", "beta"))
        writer.writerows((name, *shape) for name, shape in known().items())
    return file


@pytest.fixture(scope="module")
def features(table: Path) -> Path:
    """What `bandit-serve export` writes of them."""
    store, exported = table.with_name("store"), table.with_name("exported.csv")
    subprocess.run([COMMAND, "load", table, "--store", store], check=True)
    subprocess.run([COMMAND, "export", exported, "--store", store], check=True)
    return exported


@pytest.fixture(scope="module")
def redis_url(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis that `bandit-serve load` filled."""
    with servers.server(tmp_path_factory.mktemp("peers-redis")) as server:
        subprocess.run([COMMAND, "load", table, "--store", server.url], check=True)
        yield server.url


@pytest.fixture(scope="module", params=product(BUILT_PROGRAMS, STORES), ids="-".join)
def peer(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A client of a running service."""
    name, store = request.param
    option, fixture = ("--redis", "redis_url") if store == "redis" else ("--features", "features")
    source = str(request.getfixturevalue(fixture))
    port = free_port()
    options = [option, source, "--port", str(port), "--workers", "1"]
    base = f"http://127.0.0.1:{port}"
    with (
        running([*map(str, BUILT_PROGRAMS[name]), *options], port),
        closing(httpx.Client(base_url=base, timeout=20)) as client,
    ):
        yield client


def predict(client: httpx.Client, **fields: object) -> dict[str, object]:
    answer = client.post("/predict", json=fields)
    assert answer.status_code == 200, answer.text
    decoded: dict[str, object] = answer.json()
    return decoded


def scores_by_id(client: httpx.Client, ids: list[str]) -> dict[str, float]:
    answer = predict(client, candidates=ids)
    return dict(zip(answer["candidates"], answer["scores"], strict=True))  # type: ignore[call-overload]


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - BUILT_PROGRAMS))
def test_a_peer_is_built(name: str) -> None:
    pytest.skip(f"{name}: make peers builds it")


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_a_peer_says_that_it_is_ready(peer: httpx.Client, path: str) -> None:
    assert peer.get(path).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b'{"candidates": ["s1-1"', 400),
        (b'{"candidates": ["s1-1",]}', 400),
        (b'{"candidates": ["s1-1"]} more', 400),
        (b'{"candidates": ["a\tb"]}', 400),
        (b"{}", 422),
        (b"[]", 422),
        (b'{"candidates": []}', 422),
        (b'{"candidates": "s1-1"}', 422),
        (b'{"candidates": [1]}', 422),
        (b'{"candidates": ["s1-1"]}'.ljust(MAX_BODY), 200),
        (b'{"candidates": ["s1-1"]}'.ljust(MAX_BODY + 1), 413),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_peer_tells_bad_bodies_apart(peer: httpx.Client, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    assert peer.post("/predict", content=body, headers=headers).status_code == status


def test_a_peer_answers_the_fields_of_the_contract(peer: httpx.Client) -> None:
    fields = {"context": {"segment": "new"}, "top_k": 3}
    answer = predict(peer, candidates=["s1-1", "none"], decision_id="d-1", **fields)
    rest = {key: answer[key] for key in ("decision_id", "missing", "degraded")}
    assert rest == {"decision_id": "d-1", "missing": 1, "degraded": False}
    assert isinstance(answer["model"], str)
    assert isinstance(answer["version"], str)
    assert sorted(answer["candidates"]) == ["none", "s1-1"]  # type: ignore[call-overload]
    assert len(answer["scores"]) == 2  # type: ignore[arg-type]
    assert answer.keys() - rest.keys() == {"model", "version", "candidates", "scores"}


def test_a_peer_makes_decision_ids_and_draws_anew(peer: httpx.Client) -> None:
    first, second = (predict(peer, candidates=["s1-1", "s1-2"]) for _ in range(2))
    assert first["decision_id"] != second["decision_id"]
    assert sorted(first["scores"]) != sorted(second["scores"])  # type: ignore[call-overload]


def test_a_peer_ranks_every_candidate_by_its_own_score(peer: httpx.Client) -> None:
    """Three chunks of ids, each with a mean of its own that its scores hardly leave."""
    ids = [name for name in known() if name.startswith("narrow")]
    np.random.default_rng(1).shuffle(ids)
    answer = predict(peer, candidates=ids)
    assert answer["candidates"] == sorted(ids, reverse=True)
    means = np.arange(249, 0, -1) / 250
    np.testing.assert_allclose(answer["scores"], means, atol=8 * 5e-5)  # type: ignore[arg-type]
    assert answer["missing"] == 0


def test_a_peer_scores_unknown_ids_from_the_prior_and_counts_them(peer: httpx.Client) -> None:
    unknown = [f"unknown-{i}" for i in range(210)]
    answer = predict(peer, candidates=["s4-1", *unknown, "s4-2"])
    assert answer["missing"] == 210
    assert sorted(answer["candidates"]) == sorted([*unknown, "s4-1", "s4-2"])  # type: ignore[call-overload]


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_peer_reads_ids_however_they_are_written(peer: httpx.Client, ascii_only: bool) -> None:
    body = json.dumps({"candidates": ["none", ODD]}, ensure_ascii=ascii_only).encode()
    answer = peer.post("/predict", content=body, headers={"content-type": "application/json"})
    assert answer.json()["candidates"] == [ODD, "none"]
    assert answer.json()["missing"] == 1


def test_a_peer_draws_from_the_posteriors(peer: httpx.Client) -> None:
    ids = [f"s{s}-{i}" for s in range(len(SHAPES)) for i in range(ARMS)]
    rounds = [scores_by_id(peer, ids) for _ in range(REQUESTS)]
    for s, shape in enumerate(SHAPES):
        draws = np.array([scores[f"s{s}-{i}"] for scores in rounds for i in range(ARMS)])
        mean, variance, _, excess = map(float, stats.beta.stats(*shape, moments="mvsk"))
        deviation = np.sqrt(variance / draws.size)
        assert abs(draws.mean() - mean) < STANDARD_ERRORS * deviation, shape
        squares = np.square(draws - mean).mean()
        deviation = variance * np.sqrt((excess + 2) / draws.size)
        assert abs(squares - variance) < STANDARD_ERRORS * deviation, shape


@pytest.mark.long
@pytest.mark.skipif(shutil.which("go") is None, reason="needs go: https://go.dev/dl")
def test_the_parts_of_the_fast_go_service() -> None:
    subprocess.run(["go", "test", "-C", SOURCES / "fast_go", "."], check=True)
