"""`run --store` on a Redis: the choice wins over the configuration, and the store is named."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from featurestore.redis import RedisSettings, RedisTables
from loadtest.processes import free_port
from service.cli import main
from tests.featurestore.redis import servers

ROWS = {f"id{i}": (1.0 + i, 2.0) for i in range(250)}
MODELS = """
default_model = "homepage"

[models.homepage]
version = "1"
policy = "greedy"
prior = { alpha = 1.0, beta = 3.0 }
deadline_ms = 1000
"""
SOON_S = 20.0
COMMAND = str(Path(sys.executable).with_name("bandit-serve"))


def fill(settings: RedisSettings) -> None:
    with RedisTables(settings) as tables:
        tables.write("content", list(ROWS), ("alpha", "beta"), np.array(list(ROWS.values())))


def await_banner(log: Path, line: str) -> None:
    """Wait until the log has a line; the banner comes a moment after the service is ready."""
    deadline = time.monotonic() + SOON_S
    while line not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)


@pytest.fixture(params=["url", "configured cluster"])
def choice(request: pytest.FixtureRequest) -> tuple[str, dict[str, object], str]:
    """What `--store` says, what the environment does, and the URL that it comes to."""
    if request.param == "url":
        url = request.getfixturevalue("shared_redis").url
        fill(RedisSettings(url, prefix="run"))
        wrong = {"redis_url": "redis://127.0.0.1:1", "redis_cluster": "true"}
        return url, {"redis_prefix": "run", **wrong}, url
    url = request.getfixturevalue("redis_cluster").url
    fill(RedisSettings(url, cluster=True, prefix="run"))
    return "redis", {"redis_prefix": "run", "redis_url": url, "redis_cluster": "true"}, url


def test_predictions_come_from_the_store_that_is_given(start, choice) -> None:
    store, environment, url = choice
    service = start(store, MODELS, **environment)
    wanted = {name: alpha / (alpha + beta) for name, (alpha, beta) in ROWS.items()}
    scores = service.scores([*ROWS, "unknown"])
    assert scores == pytest.approx(wanted | {"unknown": 0.25}, rel=1e-6)
    health = service.client.get("/health").json()
    assert (health["status"], health["checks"]["store"]) == ("ok", "ok")
    await_banner(service.log, f"  store   {url}: content\n")
    await_banner(service.log, "Greedy on content, prior")


def test_the_start_names_the_tables_and_a_model_without_one(start, shared_redis) -> None:
    fill(RedisSettings(shared_redis.url, prefix="named"))
    misspelt = MODELS + 'entity_type = "contents"\n'
    service = start(shared_redis.url, misspelt, redis_prefix="named")
    await_banner(service.log, f"  store   {shared_redis.url}: content\n")
    await_banner(service.log, "Greedy on contents (no such table yet: all get the prior), prior")
    empty = start(shared_redis.url, MODELS, redis_prefix="nothing")
    await_banner(empty.log, f"{shared_redis.url}: empty, every candidate gets the prior\n")


def test_the_start_says_at_once_that_it_waits_for_the_store(tmp_path: Path) -> None:
    port, log, config = free_port(), tmp_path / "log", tmp_path / "models.toml"
    config.write_text(MODELS)
    nowhere = f"redis://127.0.0.1:{free_port()}"
    run = [COMMAND, "run", "--config", config, "--store", nowhere, "--port", port, "--workers", 1]
    with log.open("wb") as stream, subprocess.Popen(list(map(str, run)), stdout=stream) as process:
        try:
            listens = f"bandit-serve listens at http://127.0.0.1:{port}, waiting for {nowhere}\n"
            await_banner(log, listens)
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGTERM)


def test_health_names_the_store_that_is_down(start, redis_server: servers.Server) -> None:
    fill(RedisSettings(redis_server.url))
    service = start(redis_server.url, MODELS, store_kind="feast")
    redis_server.kill()
    deadline, said = time.monotonic() + SOON_S, ""
    while not said.startswith("down: "):
        assert time.monotonic() < deadline, said
        time.sleep(0.01)
        said = service.client.get("/health").json()["checks"]["store"]
    assert said.startswith(f"down: redis 127.0.0.1:{redis_server.port}: ")
    assert service.predict(["id1", "x"])["degraded"] is True
    redis_server.start()
    fill(RedisSettings(redis_server.url))
    while service.client.get("/health").json()["checks"]["store"] != "ok":
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("http://cache", "unknown scheme 'http'"),
        ("", "is empty"),
        ("redis://cache?socket_timeout=3", "redis.url is "),
        ("vertex", "vertex.project"),
    ],
)
def test_a_store_that_can_not_be_meant_stops_the_start(store: str, said: str) -> None:
    result = CliRunner().invoke(main, ["run", "--store", store])
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_the_help_names_every_kind() -> None:
    text = " ".join(CliRunner().invoke(main, ["run", "--help"]).stdout.split())
    assert "redis, vertex, vertex-legacy or feast" in text
    assert "rediss://" in text
