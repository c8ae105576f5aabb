"""POST /predict over HTTP, as the contract says."""

import json
import re
from decimal import Decimal

import httpx
import numpy as np
import pytest
from scipy import stats

IDS = [f"c{i}" for i in range(50)]


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def problem(answer: httpx.Response, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def wrong_fields(answer: httpx.Response) -> dict[str, str]:
    errors = problem(answer, 422)["errors"]
    return {error["field"]: error["message"] for error in errors}


def test_answers_columns_best_first(service) -> None:
    answer = service.predict(IDS, decision_id="d-1")
    assert sorted(answer["candidates"]) == sorted(IDS)
    assert answer["scores"] == sorted(answer["scores"], reverse=True)
    assert all(0 <= score <= 1 for score in answer["scores"])
    kept = {k: v for k, v in answer.items() if k not in ("candidates", "scores")}
    assert kept == {
        "decision_id": "d-1",
        "model": "homepage",
        "version": "3",
        "missing": 0,
        "degraded": False,
    }


def test_input_order_leaves_the_candidates_out(service) -> None:
    by_id = service.scores(IDS, decision_id="d-2")
    answer = service.predict(IDS, decision_id="d-2", order="input")
    assert "candidates" not in answer
    assert answer["scores"] == [by_id[name] for name in IDS]


def test_top_k_keeps_the_best(service) -> None:
    everything = service.predict(IDS, decision_id="d-3")
    best = service.predict(IDS, decision_id="d-3", top_k=7)
    assert best["candidates"] == everything["candidates"][:7]
    assert best["scores"] == everything["scores"][:7]
    more_than_there_are = service.predict(IDS, decision_id="d-3", top_k=1000)
    assert more_than_there_are["candidates"] == everything["candidates"]


def test_top_k_in_input_order_says_which(service) -> None:
    best = service.predict(IDS, decision_id="d-3", top_k=7)
    as_sent = service.predict(IDS, decision_id="d-3", top_k=7, order="input")
    assert as_sent["candidates"] == [name for name in IDS if name in set(best["candidates"])]
    assert sorted(as_sent["scores"], reverse=True) == best["scores"]


def test_duplicates_get_equal_scores(service) -> None:
    answer = service.predict(["c1", "c2", "c1"], order="input")
    assert answer["scores"][0] == answer["scores"][2] != answer["scores"][1]


def test_unknown_candidates_are_scored_from_the_prior_and_counted(service) -> None:
    unknown = [f"nobody-{i}" for i in range(2000)]
    answer = service.predict([*unknown, "c1"], decision_id="prior", order="input")
    assert answer["missing"] == 2000
    fit = stats.kstest(answer["scores"][:-1], stats.beta(2, 30).cdf)
    assert fit.pvalue > 1e-6


def test_greedy_is_the_posterior_mean(service, catalogue) -> None:
    scores = service.scores([*IDS, "nobody"], model="greedy")
    for name in IDS:
        alpha, beta = catalogue[name]
        assert scores[name] == pytest.approx(alpha / (alpha + beta), rel=1e-6)
    assert scores["nobody"] == 0.25


def test_bayes_ucb_is_the_posterior_quantile(service, catalogue) -> None:
    scores = service.scores(IDS, model="optimist")
    for name in IDS:
        assert scores[name] == pytest.approx(stats.beta(*catalogue[name]).ppf(0.9), rel=1e-5)


def test_scores_are_the_shortest_decimals_of_their_precision(service) -> None:
    def shown(model: str) -> list[str]:
        body = {"candidates": IDS, "model": model}
        text = service.client.post("/predict", json=body).text
        return [str(score) for score in json.loads(text, parse_float=Decimal)["scores"]]

    for score in shown("homepage"):
        assert Decimal(np.format_float_positional(np.float32(score), unique=True)) == Decimal(score)
    assert any(float(np.float32(score)) != float(score) for score in shown("wide"))


def test_the_context_fills_the_entity_template(service, catalogue) -> None:
    names = list(catalogue)
    mirrored = dict(zip(names, reversed(catalogue.values()), strict=True))
    for segment, expected in (("young", catalogue), ("old", mirrored)):
        scores = service.scores(names[:20], model="pairs", context={"segment": segment})
        for name, score in scores.items():
            alpha, beta = expected[name]
            assert score == pytest.approx(alpha / (alpha + beta), rel=1e-6)


def test_ids_come_back_as_they_came(service) -> None:
    ids = ['quote"', "back\\slash", "snow☃", "𝄞", "new\nline", "\x00", "é" * 128, "c1"]
    scores = service.scores(ids)
    assert set(scores) == set(ids)
    raw = json.dumps({"candidates": ids}, ensure_ascii=True)
    answer = service.client.post("/predict", content=raw).json()
    assert set(answer["candidates"]) == set(ids)


def test_a_decision_id_is_made_unique_and_time_ordered(service) -> None:
    made = [service.predict(["c1"])["decision_id"] for _ in range(20)]
    assert len(set(made)) == 20
    assert made == sorted(made)
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made[0]
    )


def test_headers(service) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = service.client.post(
        "/predict",
        json={"candidates": ["c1"], "decision_id": "ä\r\nx: y"},
        headers={"traceparent": trace},
    )
    assert answer.headers["traceparent"] == trace
    assert answer.headers["x-decision-id"] == "%C3%A4%0D%0Ax%3A%20y"
    assert "x" not in answer.headers
    stages = re.findall(r"(\w+);dur=(\d+\.\d+)", answer.headers["server-timing"])
    assert [name for name, _ in stages] == ["decode", "features", "score", "rank", "encode"]


def test_a_wrong_traceparent_is_ignored(service) -> None:
    headers = {"traceparent": "00-00000000000000000000000000000000-00f067aa0ba902b7-01"}
    answer = service.client.post("/predict", json={"candidates": ["c1"]}, headers=headers)
    assert answer.status_code == 200
    assert "traceparent" not in answer.headers


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b'{"candidates":["\xff"]}', b"[1,]", b"NaN"]
)
def test_400_when_the_body_is_not_json(service, body: bytes) -> None:
    problem(service.client.post("/predict", content=body), 400)


def test_404_and_405(service) -> None:
    problem(service.client.get("/nowhere"), 404)
    problem(service.client.post("/predict/", json={}), 404)
    answer = service.client.get("/predict")
    problem(answer, 405)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("sent", [b"x" * (4 << 20), b" " * (4 << 20) + b"{}"])
def test_413_by_length(service, sent: bytes) -> None:
    body = b'{"candidates":["' + sent + b'"]}'
    assert "4194304" in problem(service.client.post("/predict", content=body), 413)["detail"]


def test_413_without_a_length(service) -> None:
    def chunks():
        for _ in range(100):
            yield b" " * (1 << 16)

    try:
        answer = service.client.post("/predict", content=chunks())
    except httpx.TransportError:  # refused while the rest was still being sent
        service.predict(["c1"])
    else:
        problem(answer, 413)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_415(service, headers: dict[str, str]) -> None:
    body = b'{"candidates":["c1"]}'
    document = problem(service.client.post("/predict", content=body, headers=headers), 415)
    assert list(headers.values())[-1] in document["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "Application/JSON", None])
def test_json_content_types(service, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    answer = service.client.post("/predict", content=b'{"candidates":["c1"]}', headers=headers)
    assert answer.status_code == 200


def test_422_names_every_wrong_field_at_once(service) -> None:
    body = {
        "candidates": ["ok", "", "x" * 257, 7],
        "model": "nobody",
        "context": {"segment": 3},
        "decision_id": "x" * 129,
        "top_k": 0,
        "order": "best",
        "timeout_ms": 1.5,
        "candidate": [],
    }
    wrong = wrong_fields(service.client.post("/predict", json=body))
    assert wrong.keys() == {
        "candidates[3]",
        "model",
        "context.segment",
        "decision_id",
        "top_k",
        "order",
        "timeout_ms",
        "candidate",
    }
    assert wrong["top_k"] == "is 0, must be an integer >= 1"


def test_422_names_the_first_wrong_ids_and_counts_the_rest(service) -> None:
    body = {"candidates": ["ok", *[""] * 50]}
    wrong = wrong_fields(service.client.post("/predict", json=body))
    assert list(wrong) == [*(f"candidates[{i}]" for i in range(1, 21)), "candidates"]
    assert wrong["candidates"] == "has 30 more wrong ids"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        (3, "body"),
        ({}, "candidates"),
        ({"candidates": None}, "candidates"),
        ({"candidates": "c1"}, "candidates"),
        ({"candidates": []}, "candidates"),
        ({"candidates": {"a": 1}}, "candidates"),
        ({"candidates": ["c1", None]}, "candidates[1]"),
        ({"candidates": ["c1", ""]}, "candidates[1]"),
        ({"candidates": ["c1", "x" * 257]}, "candidates[1]"),
        ({"candidates": ["c1", "é" * 129]}, "candidates[1]"),
        ({"candidates": ["c1"], "model": "pairs"}, "context.segment"),
        ({"candidates": ["c1"], "context": []}, "context"),
        ({"candidates": ["c1"], "decision_id": ""}, "decision_id"),
        ({"candidates": ["c1"], "top_k": True}, "top_k"),
        ({"candidates": ["c1"], "model": nested(300)}, "model"),
        ({"candidates": ["c1"], "order": nested(900)}, "order"),
        ({"candidates": [nested(400)]}, "candidates[0]"),
        ({"candidates": ["c1"], "timeout_ms": 0}, "timeout_ms"),
        ({"candidates": ["c"] * 6, "model": "tight"}, "candidates"),
        ({"candidates": [f"c{i}" for i in range(10_001)]}, "candidates"),
    ],
)
def test_422(service, body: object, field: str) -> None:
    assert list(wrong_fields(service.client.post("/predict", json=body))) == [field]


def test_422_says_that_there_is_no_catalogue_to_name(service) -> None:
    body = {"candidates": {"catalog": "videos"}, "top_k": 5}
    assert wrong_fields(service.client.post("/predict", json=body)) == {
        "candidates": "is an object, must be an array of strings, and no catalogue is declared"
    }


def test_null_is_the_same_as_leaving_a_field_out(service) -> None:
    names = ("model", "context", "decision_id", "top_k", "order", "timeout_ms")
    answer = service.predict(["c1"], **dict.fromkeys(names))
    assert answer["model"] == "homepage"
