"""Same model snapshot, decision id and candidate: same score, whatever surrounds them."""

import random

import pytest


@pytest.mark.parametrize("model", ["homepage", "wide", "optimist"])
def test_scores_do_not_depend_on_the_list(service, catalogue, model: str) -> None:
    names = [*catalogue][:400]
    expected = service.scores(names, model=model, decision_id="same")
    shuffled = random.Random(1).sample(names, len(names))
    doubled = names + [*catalogue][400:800]
    assert service.scores(shuffled, model=model, decision_id="same") == expected
    halved = service.scores(names[::2], model=model, decision_id="same")
    assert halved == {name: expected[name] for name in names[::2]}
    more = service.scores(doubled, model=model, decision_id="same")
    assert {name: more[name] for name in names} == expected


def test_the_ranking_does_not_depend_on_the_order_of_the_list(service) -> None:
    unknown = [f"tied-{i}" for i in range(300)]
    answer = service.predict(unknown, model="greedy")
    backwards = service.predict(unknown[::-1], model="greedy")
    assert len(set(answer["scores"])) == 1
    assert answer["candidates"] == backwards["candidates"]


def test_scores_survive_workers_and_restarts(start, store) -> None:
    names = [f"c{i}" for i in range(400)]
    answers = []
    for workers in (1, 2, 1):
        service = start(store, workers=workers)
        pids, tries = set(), 0
        while len(pids) < workers and tries < 200:
            # a connection stays with its worker, so each request opens a new one
            headers = {"connection": "close"}
            health = service.client.get("/health", headers=headers).json()
            pids.add(health["worker"]["pid"])
            body = {"candidates": names, "decision_id": "same"}
            answer = service.client.post("/predict", json=body, headers=headers).json()
            answers.append((answer["candidates"], answer["scores"]))
            tries += 1
        assert len(pids) == workers
        assert service.stop() == 0
    assert all(answer == answers[0] for answer in answers)


def test_other_decisions_and_models_draw_anew(service) -> None:
    names = [f"c{i}" for i in range(100)]
    one = service.scores(names, decision_id="one")
    two = service.scores(names, decision_id="two")
    assert all(one[name] != two[name] for name in names)
