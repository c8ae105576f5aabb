"""POST /predict with a catalogue in the place of a list: the same scores, and the best of them."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from bandit import Arms, Eligible
from bandit.dispatch import Dispatch
from bandit.posterior import Column
from featurestore import LmdbStore
from idcolumn import IdColumn
from service.app import SIDE_THREADS, create_app
from service.catalogs.build import build
from service.catalogs.catalog import Catalogs
from service.catalogs.file import open_arms, write_arms
from service.catalogs.rows import read_rows
from service.catalogs.snapshot import Snapshot
from service.config import Settings, load_settings
from service.lifecycle import SERVING, Lifecycle
from service.sampling.sampling import Sampling
from service.stores.serving import Serving, open_serving

pytestmark = pytest.mark.anyio

ARMS = 100_000
FEW = 2_000
CHUNK = 10_000
KINDS = 300  # so that many arms have one mean
UNFIT = 50
TAGS = ("kids", "sports", "news")
MODELS = """
default_model = "drawn"
[models.drawn]
version = "7"
prior = { alpha = 2.0, beta = 30.0 }
deadline_ms = 60000
[models.wide]
version = "1"
prior = { alpha = 2.0, beta = 30.0 }
precision = "float64"
deadline_ms = 60000
[models.greedy]
version = "2"
policy = "greedy"
prior = { alpha = 2.0, beta = 30.0 }
deadline_ms = 60000
[models.greedy-wide]
version = "1"
policy = "greedy"
prior = { alpha = 2.0, beta = 30.0 }
precision = "float64"
deadline_ms = 60000
[models.optimist]
version = "1"
policy = "bayes-ucb"
prior = { alpha = 2.0, beta = 30.0 }
[models.tight]
version = "1"
prior = { alpha = 2.0, beta = 30.0 }
max_candidates = 5
[models.few]
version = "1"
entity_type = "few"
entity = "f:{candidate}:x"
prior = { alpha = 1.0, beta = 1.0 }
deadline_ms = 60000
[catalogs.videos]
tags = ["kids", "sports", "news"]
[catalogs.videos-wide]
model = "wide"
tags = ["kids", "sports", "news"]
[catalogs.few]
model = "few"
[catalogs.absent]
"""
IDS = [f"v{i}" for i in range(ARMS)]
RNG = np.random.default_rng(11)


@dataclass
class Flag:
    value: int = SERVING


@dataclass
class World:
    """A store, and snapshots of the catalogues that are made of it."""

    settings: Settings
    store: Serving
    snapshots: dict[str, Snapshot]
    tags: np.ndarray
    lists: dict[tuple[str, str], tuple[dict[str, float], int]]

    def catalogs(self) -> Catalogs:
        catalogs = Catalogs.of(self.settings.catalogs)
        for name, snapshot in self.snapshots.items():
            catalogs.by_name[name].snapshot = snapshot
        return catalogs


@dataclass
class Node:
    """A worker's application in this process."""

    client: httpx.AsyncClient
    catalogs: Catalogs

    async def post(self, name: str = "videos", **body: object) -> httpx.Response:
        candidates = {"catalog": name, **body.pop("candidates", {})}  # type: ignore[dict-item]
        return await self.client.post("/predict", json={"candidates": candidates, **body})

    async def best(self, name: str = "videos", **body: object) -> dict:
        answer = await self.post(name, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("catalogues")
    kinds = np.column_stack((RNG.uniform(0.2, 50, KINDS), RNG.uniform(0.2, 500, KINDS)))
    tags = RNG.integers(0, 8, ARMS)
    values = np.column_stack((kinds[RNG.integers(0, KINDS, ARMS)], tags))
    values[RNG.choice(ARMS, UNFIT, replace=False), 0] = -1.0
    with LmdbStore.open(folder / "store") as store:
        store.write("content", IDS, ("alpha", "beta", "tags"), values)
        few = [f"f:{name}:x" for name in IDS[:FEW]]
        store.write("few", few, ("alpha", "beta"), np.abs(values[:FEW, :2]))
    settings = read_settings(folder)
    snapshots = {
        name: snapshot_of(settings, name, folder) for name in ("videos", "videos-wide", "few")
    }
    store = open_serving(settings.store)
    yield World(settings, store, snapshots, tags, {})
    asyncio.run(store.close())


def read_settings(folder: Path) -> Settings:
    path = folder / "config.toml"
    path.write_text(MODELS)
    return load_settings(path, {"store": {"path": str(folder / "store")}})


def snapshot_of(settings: Settings, name: str, folder: Path) -> Snapshot:
    declared = settings.catalogs[name]
    built = build(declared, read_rows(settings, declared))
    write_arms(folder / f"{name}.arms", built, 0.0)
    return open_arms(folder / f"{name}.arms").snapshot


@asynccontextmanager
async def serving(world: World, sampler: Dispatch | None = None) -> AsyncIterator[Node]:
    catalogs = world.catalogs()
    sampling = Sampling(world.settings.sampler)
    sampling.dispatch = sampler or sampling.dispatch
    parts = world.settings, world.store, Lifecycle(Flag())
    app = create_app(*parts, catalogs=catalogs, sampling=sampling)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Node(client, catalogs)


@pytest.fixture
async def node(world: World) -> AsyncIterator[Node]:
    async with serving(world) as one:
        yield one


async def scores_by_list(node: Node, world: World, model: str, decision_id: str) -> dict:
    """Score all ids as lists, in chunks."""
    if (model, decision_id) not in world.lists:
        scores: dict[str, float] = {}
        missing = 0
        for start in range(0, ARMS, CHUNK):
            chunk = IDS[start : start + CHUNK]
            body = {"candidates": chunk, "model": model, "decision_id": decision_id}
            answer = (await node.client.post("/predict", json={**body, "order": "input"})).json()
            scores.update(zip(chunk, answer["scores"], strict=True))
            missing += answer["missing"]
        world.lists[model, decision_id] = scores, missing
    return world.lists[model, decision_id]


def ranked(scores: dict[str, float]) -> list[tuple[str, float]]:
    """Order the candidates best first, equal ones by the hash of their ids."""
    names = list(scores)
    lanes = IdColumn.from_list(names).hashes
    order = np.lexsort((lanes, -np.array(list(scores.values()))))
    return [(names[i], scores[names[i]]) for i in order]


@pytest.mark.parametrize(
    ("catalog", "model"),
    [
        ("videos", "drawn"),
        ("videos-wide", "wide"),
        ("videos", "greedy"),
        ("videos-wide", "greedy-wide"),
    ],
)
@pytest.mark.parametrize("excluding", [False, True])
@pytest.mark.parametrize(
    "tags", [{}, {"include_tags": ["kids", "news"], "exclude_tags": ["sports"]}]
)
async def test_it_is_the_best_of_all_ids_scored_by_list(
    node, world, catalog: str, model: str, excluding: bool, tags: dict
) -> None:
    scores, missing = await scores_by_list(node, world, model, "d-1")
    everything = ranked(scores)
    out = [name for name, _ in everything[:50:3]] if excluding else []
    bits = np.zeros(ARMS, int) if not tags else world.tags
    wanted = ((bits & 0b101 != 0) | (not tags)) & (bits & 0b010 == 0)
    allowed = {name for name, fits in zip(IDS, wanted, strict=True) if fits} - set(out)
    expected = [(name, score) for name, score in everything if name in allowed][:1000]
    out = [*out, "nobody", *out]
    answer = await node.best(
        catalog,
        candidates={"exclude": out, **tags},
        top_k=1000,
        decision_id="d-1",
        model=model,
    )
    assert list(zip(answer["candidates"], answer["scores"], strict=True)) == expected
    assert answer["missing"] == missing == UNFIT


async def test_the_answer_says_what_was_ranked(node, world) -> None:
    answer = await node.post(top_k=3)
    document = answer.json()
    assert list(document) == [
        "decision_id",
        "model",
        "version",
        "catalog",
        "candidates",
        "scores",
        "missing",
        "degraded",
    ]
    assert (document["model"], document["version"]) == ("drawn", "7")
    snapshot = world.snapshots["videos"]
    assert document["catalog"] == {"name": "videos", "version": snapshot.version, "arms": ARMS}
    assert (document["missing"], document["degraded"]) == (UNFIT, False)
    assert answer.headers["x-decision-id"] == document["decision_id"]
    stages = re.findall(r"(\w+);dur=\d", answer.headers["server-timing"])
    assert stages == ["decode", "draw", "encode"]
    again = await node.best(top_k=3, decision_id=document["decision_id"])
    assert again == document
    assert (await node.best(top_k=3))["candidates"] != document["candidates"]


async def test_the_candidates_are_named_without_what_the_template_adds(node) -> None:
    answer = await node.best("few", top_k=FEW + 1)  # more than there are
    assert sorted(answer["candidates"]) == sorted(IDS[:FEW])
    assert answer["scores"] == sorted(answer["scores"], reverse=True)
    assert (answer["model"], answer["catalog"]["arms"]) == ("few", FEW)
    listed = {"candidates": IDS[:FEW], "model": "few", "decision_id": answer["decision_id"]}
    by_list = (await node.client.post("/predict", json=listed)).json()
    for column in ("candidates", "scores"):
        assert by_list[column] == answer[column]


async def test_fewer_than_asked_for_or_none_take_part(node, world) -> None:
    rest = IDS[3:FEW]
    answer = await node.best("few", candidates={"exclude": rest}, top_k=100)
    assert sorted(answer["candidates"]) == IDS[:3]
    answer = await node.best("few", candidates={"exclude": IDS[:FEW]}, top_k=100)
    assert (answer["candidates"], answer["scores"]) == ([], [])
    few = world.snapshots["few"]
    arms = Arms(*(column[:0] for column in (few.arms.alpha, few.arms.beta, few.arms.lanes)))
    node.catalogs.by_name["few"].snapshot = replace(few, arms=arms, missing=0)
    answer = await node.best("few", candidates={"exclude": ["v1"]}, top_k=100)
    assert (answer["candidates"], answer["catalog"]["arms"]) == ([], 0)


async def test_many_and_long_ids_stay_out(node) -> None:
    long = [f"{i:0256d}" for i in range(CHUNK)]
    body = {"top_k": 5, "decision_id": "d-2"}
    expected = await node.best(**body)
    assert await node.best(candidates={"exclude": long}, **body) == expected
    best = expected["candidates"][0]
    answer = await node.best(candidates={"exclude": [best] * CHUNK}, **body)
    assert answer["candidates"][:4] == expected["candidates"][1:]
    names = {"include_tags": ["kids"] * 53, "exclude_tags": []}
    assert (await node.best(candidates=names, **body))["candidates"]


async def test_null_within_the_catalogue_is_the_same_as_leaving_it_out(node) -> None:
    nothing = dict.fromkeys(("exclude", "include_tags", "exclude_tags"))
    rest = dict.fromkeys(("model", "context", "order", "timeout_ms"))
    body = {"top_k": 5, "decision_id": "d-3"}
    assert await node.best(candidates=nothing, **body, **rest) == await node.best(**body)
    assert await node.best(**body, order="score") == await node.best(**body)


def wrong_fields(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("candidates", "rest", "wrong"),
    [
        ({"catalog": None}, {}, {"candidates.catalog": "is missing"}),
        (
            {"catalog": "video"},
            {},
            {"candidates.catalog": 'is "video", must be one of: videos, videos-wide, few, absent'},
        ),
        ({"catalog": 7}, {}, {"candidates.catalog": "is 7, must be one of"}),
        ({"catalog": ["videos"]}, {}, {"candidates.catalog": "is an array, must be one of"}),
        ({"catalog": "v\n\u2603\u0000'\""}, {}, {"candidates.catalog": "must be one of"}),
        ({"arms": 3}, {}, {"candidates.arms": "is not a field; known are catalog, exclude, "}),
        ({"exclude": "v1"}, {}, {"candidates.exclude": 'is "v1", must be an array of strings'}),
        ({"exclude": ["v1", 2]}, {}, {"candidates.exclude[1]": "is 2, must be a string"}),
        ({"exclude": ["v1", ""]}, {}, {"candidates.exclude[1]": "has 0 bytes"}),
        ({"exclude": ["x" * 257]}, {}, {"candidates.exclude[0]": "has 257 bytes"}),
        ({"exclude": ["x"] * 10_001}, {}, {"candidates.exclude": "holds 10001 ids, at most 10000"}),
        ({"include_tags": {}}, {}, {"candidates.include_tags": "is an object, must be an array"}),
        ({"include_tags": []}, {}, {"candidates.include_tags": "is empty"}),
        (
            {"exclude_tags": ["kids", "cats", None, []]},
            {},
            {
                "candidates.exclude_tags[1]": 'is "cats", must be one of: kids, sports, news',
                "candidates.exclude_tags[2]": "is null, must be one of",
                "candidates.exclude_tags[3]": "is an array, must be one of",
            },
        ),
        ({"exclude_tags": ["kids"] * 54}, {}, {"candidates.exclude_tags": "holds 54 tags"}),
        (
            {"catalog": "few", "include_tags": ["kids"]},
            {},
            {"candidates.include_tags[0]": 'is "kids", but none is declared'},
        ),
        ({}, {"top_k": None}, {"top_k": "is missing"}),
        ({}, {"top_k": 0}, {"top_k": "is 0, must be an integer from 1 to 10000"}),
        ({}, {"top_k": 10_001}, {"top_k": "is 10001, must be an integer from 1 to 10000"}),
        ({}, {"top_k": 2.5}, {"top_k": "is 2.5"}),
        ({}, {"top_k": 6, "model": "tight"}, {"top_k": "from 1 to 5"}),
        ({}, {"model": "nobody"}, {"model": 'is "nobody", must be one of'}),
        ({}, {"model": "wide"}, {"model": "can't rank the arms of the catalogue 'videos'"}),
        ({}, {"model": "few"}, {"model": "those that can are: drawn, greedy, tight"}),
        ({}, {"model": "optimist"}, {"model": 'is "optimist", which can'}),
        ({}, {"order": "input"}, {"order": 'is "input", must be '}),
        ({}, {"order": "best"}, {"order": 'is "best", must be '}),
        ({}, {"context": {"a": "b"}}, {"context": "is an object, must be left out"}),
        ({}, {"decision_id": ""}, {"decision_id": 'is "", must be'}),
        ({}, {"timeout_ms": 0}, {"timeout_ms": "is 0"}),
        ({}, {"catalog": "videos"}, {"catalog": "is not a field"}),
    ],
)
async def test_422(node, candidates: dict, rest: dict, wrong: dict) -> None:
    answer = await node.post(candidates=candidates, **{"top_k": 5, **rest})
    found = wrong_fields(answer)
    assert found.keys() == wrong.keys()
    for field, message in wrong.items():
        assert message in found[field]


async def test_422_names_every_wrong_field_at_once(node) -> None:
    candidates = {"exclude": [1], "include_tags": ["cats"] * 30, "exclude_tags": 5, "arm": 1}
    rest = {"model": "few", "order": "input", "context": [], "decision_id": 3, "timeout_ms": "x"}
    found = wrong_fields(await node.post(candidates=candidates, **rest, best=1))
    tags = [f"candidates.include_tags[{i}]" for i in range(20)]
    assert found.keys() == {
        "candidates.arm",
        "candidates.exclude[0]",
        *tags,
        "candidates.include_tags",
        "candidates.exclude_tags",
        "top_k",
        *rest,
        "best",
    }
    assert found["candidates.include_tags"] == "has 10 more wrong tags"


async def test_other_bodies_are_refused_as_ever(node) -> None:
    assert wrong_fields(await node.client.post("/predict", json={"candidates": {}})).keys() == {
        "candidates.catalog",
        "top_k",
    }
    big = {"exclude": ["x" * 200] * 30_000}
    assert (await node.post(candidates=big, top_k=1)).status_code == 413
    answer = await node.client.post("/v2/models/drawn/infer", json={"candidates": {}})
    assert answer.status_code == 422


async def test_503_until_the_catalogue_is_loaded(node, world) -> None:
    answer = await node.post("absent", top_k=5)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "'absent' is not loaded" in answer.json()["detail"]
    assert wrong_fields(await node.post("absent")).keys() == {"top_k"}
    node.catalogs.by_name["absent"].snapshot = world.snapshots["videos"]
    assert (await node.best("absent", top_k=5))["catalog"]["name"] == "absent"


async def test_requests_are_counted_by_catalogue(node) -> None:
    for _ in range(3):
        await node.best(top_k=5, model="greedy")
    await node.post("absent", top_k=5)
    text = (await node.client.get("/metrics")).text
    assert 'bandit_serve_catalog_predictions_total{catalog="videos"} 3.0' in text
    assert f'bandit_serve_catalog_ranked_arms_total{{catalog="videos"}} {3.0 * ARMS}' in text
    assert 'bandit_serve_catalog_predictions_total{catalog="few"} 0.0' in text
    assert 'bandit_serve_predictions_total{model="greedy"} 3.0' in text
    assert 'bandit_serve_missing_candidates_total{model="greedy"} 0.0' in text
    assert 'bandit_serve_problems_total{kind="CatalogNotLoaded"} 1.0' in text


@pytest.mark.parametrize("name", ["videos", "few"])
async def test_no_request_sees_a_mixture_of_two_snapshots(node, world, name: str) -> None:
    catalog = node.catalogs.by_name[name]
    first = world.snapshots[name]
    kept = np.arange(0, len(first.arms), 2)
    ids = first.ids(kept)
    ends = np.concatenate(([0], np.cumsum(ids.lengths))).astype(np.uint64)
    arms = Arms(first.arms.beta[kept], first.arms.alpha[kept], first.arms.lanes[kept])
    arms = replace(arms, tags=None if first.arms.tags is None else first.arms.tags[kept])
    second = Snapshot("second", arms, b"".join(ids.to_bytes()), ends, 0, 0.0)
    body = {"top_k": 50, "decision_id": "d-4", "candidates": {"exclude": IDS[:FEW:7]}}
    expected = {}
    for snapshot in (first, second):
        catalog.snapshot = snapshot
        expected[snapshot.version] = await node.best(name, **body)
    seen = []

    async def ask() -> None:
        for _ in range(12):
            answer = await node.best(name, **body)
            assert answer == expected[answer["catalog"]["version"]]
            seen.append(answer["catalog"]["version"])

    async def swap() -> None:
        while True:
            for snapshot in (first, second):
                catalog.snapshot = snapshot
                await asyncio.sleep(0.0003)

    swapping = asyncio.create_task(swap())
    await asyncio.gather(*(ask() for _ in range(8)))
    swapping.cancel()
    assert set(seen) == set(expected)


class Slow(Dispatch):
    """Draws when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()
        self.begun = threading.Semaphore(0)
        self.running = self.most = 0

    def top_k(self, arms: Arms, eligible: Eligible, key: int, k: int) -> tuple[np.ndarray, Column]:
        self.running += 1
        self.most = max(self.most, self.running)
        self.begun.release()
        assert self.told.wait(30)
        self.running -= 1
        return super().top_k(arms, eligible, key, k)


async def test_504_when_the_draws_are_late_and_nothing_piles_up(world) -> None:
    sampler = Slow()
    async with serving(world, sampler) as node:
        answers = await asyncio.gather(
            *(node.post(top_k=5, timeout_ms=50, decision_id="d-5") for _ in range(20))
        )
        assert {answer.status_code for answer in answers} == {504}
        assert answers[0].json()["detail"] == "the scores were not there in time"
        assert sampler.most == SIDE_THREADS
        waiting = asyncio.create_task(node.best(top_k=5, decision_id="d-6"))
        listed = {"candidates": ["v1"]}  # the event loop is free
        assert (await node.client.post("/predict", json=listed)).status_code == 200
        sampler.told.set()
        assert len((await waiting)["candidates"]) == 5
        assert sampler.most == SIDE_THREADS


async def test_429_beyond_the_requests_in_flight(world) -> None:
    sampler, server = Slow(), replace(world.settings.server, max_in_flight=3)
    held = replace(world, settings=replace(world.settings, server=server))
    async with serving(held, sampler) as node:
        asked = [asyncio.create_task(node.post(top_k=5)) for _ in range(3)]
        await asyncio.to_thread(sampler.begun.acquire)
        refused = await node.post(top_k=5)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        sampler.told.set()
        assert {(await task).status_code for task in asked} == {200}
        assert (await node.post(top_k=5)).status_code == 200
