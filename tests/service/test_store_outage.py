"""A fleet's node under load while its Redis is killed, stopped, and comes back."""

import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from featurestore.redis import RedisSettings, RedisTables
from tests.featurestore.redis import servers

LENIENT = """
[models.m]
version = "1"
policy = "greedy"
prior = { alpha = 1.0, beta = 3.0 }
deadline_ms = 150
"""
STRICT = LENIENT.replace("models.m", "models.strict") + 'on_late_features = "fail"\n'
IDS = [f"c{i}" for i in range(400)]
CLIENTS = 4
OUTAGE_S = 2.0
RECOVERED_WITHIN_S = 2.0
SOON_S = 5.0


@dataclass
class Load:
    """Clients that ask again and again; instants, statuses and degradation of what they got."""

    url: str
    answers: list[tuple[float, int, bool]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        with httpx.Client(base_url=self.url, timeout=10) as client:
            for turn in itertools.count():
                if self._stop.is_set():
                    return
                body = {"candidates": IDS[turn % 3 :: 3], "model": "m"}
                try:
                    answer = client.post("/predict", json=body)
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                degraded = answer.status_code != 200 or answer.json()["degraded"]
                self.answers.append((time.monotonic(), answer.status_code, degraded))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def degraded(self, since: float, until: float) -> list[bool]:
        """Whether each answer of an interval was degraded."""
        return [degraded for at, _, degraded in self.answers.copy() if since <= at < until]

    def await_answers(self, *, degraded: bool, count: int = 100) -> None:
        """Wait until the latest answers are all degraded, or all not."""
        deadline = time.monotonic() + SOON_S
        while [flag for _, _, flag in self.answers[-count:]] != [degraded] * count:
            assert time.monotonic() < deadline, f"not all {degraded=}"
            time.sleep(0.01)


def fill(server: servers.Server) -> None:
    with RedisTables(RedisSettings(server.url)) as tables:
        tables.write("content", IDS, ("alpha", "beta"), [[2.0, 2.0]] * len(IDS))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[servers.Server]:
    with servers.server(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as server:
        fill(server)
        yield server


def health(service) -> tuple[int, str, str]:
    answer = httpx.get(f"{service.url}/health/ready", timeout=10)
    document = answer.json()
    return answer.status_code, document["status"], document["checks"]["store"]


def await_health(service, code: int, status: str, store: str) -> None:
    deadline = time.monotonic() + SOON_S
    while True:
        now = health(service)
        if now[0] == code and now[1].startswith(status) and now[2].startswith(store):
            return
        assert time.monotonic() < deadline, now
        time.sleep(0.05)


def figures(service, name: str, label: str) -> Counter[str]:
    text = httpx.get(f"{service.url}/metrics", timeout=10).text
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"bandit_serve_{name}":
                found[sample.labels.get(label, "")] += int(sample.value)
    return found


def await_closed(service) -> None:
    deadline = time.monotonic() + SOON_S
    while +(states := figures(service, "store_breaker_state", "state")) != {"closed": 2}:
        assert time.monotonic() < deadline, states
        time.sleep(0.05)


def begin(start, redis: servers.Server, models: str = LENIENT, **more: object):
    named = f'default_model = "m"\n{models}'
    return start(redis.url, named, workers=2, **{"store_hot_rows": 0, **more})


def strike(redis: servers.Server, how: str) -> None:
    redis.kill() if how == "killed" else redis.pause()


def mend(redis: servers.Server, how: str) -> None:
    redis.start() if how == "killed" else redis.resume()


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_an_outage_degrades_and_nothing_fails(start, redis: servers.Server, how: str) -> None:
    service = begin(start, redis)
    load = Load(service.url)
    with load.running():
        load.await_answers(degraded=False)
        strike(redis, how)
        struck = time.monotonic()
        load.await_answers(degraded=True)
        await_health(service, 200, "degraded", "down: ")
        time.sleep(max(0.0, struck + OUTAGE_S - time.monotonic()))  # the outage's length
        mend(redis, how)
        mended = time.monotonic()
        time.sleep(RECOVERED_WITHIN_S)  # what is allowed for the recovery
        load.await_answers(degraded=False)
        ended = time.monotonic()
        await_health(service, 200, "ok", "ok")
        await_closed(service)
    assert not load.failures
    assert Counter(status for _, status, _ in load.answers) == {200: len(load.answers)}
    assert all(load.degraded(struck + 0.5, mended))
    assert not any(load.degraded(mended + RECOVERED_WITHIN_S, ended))
    assert figures(service, "store_breaker_openings_total", "")[""] >= 1
    assert figures(service, "degraded_candidates_total", "reason")["refused"] > 0
    assert service.stop() == 0


def test_a_hot_tier_hides_an_outage(start, redis: servers.Server) -> None:
    service = begin(start, redis, store_hot_rows=10_000, remote_hot_ttl_s=0.2)
    load = Load(service.url)
    with load.running():
        load.await_answers(degraded=False, count=400)
        redis.kill()
        struck = time.monotonic()
        await_health(service, 200, "degraded", "down: ")
        time.sleep(max(0.0, struck + OUTAGE_S - time.monotonic()))  # the outage's length
        refreshed = figures(service, "hot_tier_refreshed_rows_total", "")[""]
        redis.start()
        ended = time.monotonic()
        await_health(service, 200, "ok", "ok")
        deadline = time.monotonic() + SOON_S
        while figures(service, "hot_tier_refreshed_rows_total", "")[""] <= refreshed:
            assert time.monotonic() < deadline, "stale rows are not read again"
            time.sleep(0.05)
    assert not load.failures
    assert Counter(status for _, status, _ in load.answers) == {200: len(load.answers)}
    assert len(load.degraded(struck, ended)) > 100
    assert not any(load.degraded(struck, ended))


def test_a_model_that_forbids_the_prior_is_not_ready(start, redis: servers.Server) -> None:
    service = begin(start, redis, LENIENT + STRICT)
    redis.kill()
    await_health(service, 503, "down: ", "down: ")
    strict = httpx.post(f"{service.url}/predict", json={"candidates": IDS[:3], "model": "strict"})
    assert strict.status_code == 503
    assert service.predict(IDS[:3])["degraded"] is True
    redis.start()
    await_health(service, 200, "ok", "ok")
