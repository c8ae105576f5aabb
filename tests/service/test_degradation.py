"""What a request gets when the store is late, failing or has a bug."""

import logging
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from bandit import Models
from bandit.dispatch import Dispatch
from featurestore import FaultyStore, MemoryStore, StoreUnavailable
from service.admission import Admission
from service.catalogs.catalog import Catalogs
from service.config import Settings, load_settings
from service.counts import Counts
from service.json_codec import JsonCodec
from service.lifecycle import SERVING, Lifecycle
from service.predict import Predict
from service.shed import Shed
from service.side_threads import SideThreads

MODELS = """
default_model = "lenient"
[models.lenient]
version = "1"
policy = "greedy"
prior = { alpha = 1.0, beta = 3.0 }
deadline_ms = 100
[models.strict]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
policy = "greedy"
on_late_features = "fail"
deadline_ms = 100
"""
FEATURES = ("alpha", "beta")
KNOWN = {"a": (1.0, 1.0), "b": (3.0, 1.0)}


@dataclass
class Flag:
    value: int = SERVING


@dataclass
class Bench:
    """The endpoint in front of a store that does what it is told."""

    settings: Settings
    store: FaultyStore
    counts: Counts

    async def post(self, **body: object) -> httpx.Response:
        models: Models = self.settings.models
        limit = self.settings.server.max_body_bytes
        lifecycle = Lifecycle(Flag())
        shared = (models, self.store, Admission(8), lifecycle, self.counts, limit)
        codec = JsonCodec(models, Catalogs({}))
        predict = Predict(codec, *shared, Dispatch(), SideThreads(1))
        shed = Shed(predict, predict.admission, lifecycle, self.counts)
        app = Starlette(routes=[Route("/predict", shed, methods=["POST"])])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/predict", json={"candidates": ["a", "b", "c"], **body})


@pytest.fixture
def bench(tmp_path) -> Bench:
    path = tmp_path / "config.toml"
    path.write_text(MODELS)
    store = FaultyStore(MemoryStore({"content": (FEATURES, KNOWN)}))
    return Bench(load_settings(path), store, Counts())


@pytest.mark.anyio
async def test_a_store_in_time(bench) -> None:
    answer = (await bench.post(order="input")).json()
    assert answer["scores"] == [0.5, 0.75, 0.25]
    assert (answer["missing"], answer["degraded"]) == (1, False)
    assert "degraded_candidates" not in answer


@pytest.mark.anyio
@pytest.mark.parametrize("fault", [{"delay_s": 5.0}, {"error": StoreUnavailable("it is gone")}])
async def test_the_prior_stands_in_and_is_flagged(bench, fault) -> None:
    for name, value in fault.items():
        setattr(bench.store, name, value)
    answer = await bench.post(order="input")
    assert answer.status_code == 200
    document = answer.json()
    assert document["scores"] == [0.25, 0.25, 0.25]
    assert (document["degraded"], document["degraded_candidates"]) == (True, 3)
    assert document["missing"] == 0
    totals = bench.counts.totals()
    assert (totals["degraded_requests"], totals["degraded_candidates"]) == (1, 3)


@pytest.mark.anyio
@pytest.mark.parametrize("fault", [{"delay_s": 5.0}, {"error": StoreUnavailable("it is gone")}])
async def test_a_model_may_forbid_it(bench, fault) -> None:
    for name, value in fault.items():
        setattr(bench.store, name, value)
    answer = await bench.post(model="strict")
    assert answer.status_code == 503
    assert "3 candidates" in answer.json()["detail"]
    assert "gone" not in answer.text
    assert bench.counts.problems == {"FeaturesUnavailable": 1}


@pytest.mark.anyio
async def test_the_callers_deadline_is_shorter_than_the_models(bench, tmp_path) -> None:
    path = tmp_path / "patient.toml"
    path.write_text(MODELS.replace("deadline_ms = 100", "deadline_ms = 60000"))
    bench.settings = load_settings(path)
    bench.store.delay_s = 59.0
    answer = await bench.post(timeout_ms=30)
    assert answer.json()["degraded"] is True


class Broken(MemoryStore):
    """A store with a bug."""

    async def fetch(self, *_: object) -> None:  # type: ignore[override]
        raise ZeroDivisionError("secret internals")


@pytest.mark.anyio
async def test_a_bug_is_a_500_whose_trace_is_in_the_log_only(bench, caplog) -> None:
    bench.store = Broken()
    with caplog.at_level(logging.INFO):
        answer = await bench.post(decision_id="d-500")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["decision_id"] == "d-500"
    assert "secret" not in answer.text
    assert "ZeroDivision" not in answer.text
    (record,) = [r for r in caplog.records if getattr(r, "decision_id", None) == "d-500"]
    assert record.levelname == "ERROR"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
