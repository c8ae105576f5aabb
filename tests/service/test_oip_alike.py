"""Requests for tensors that differ in little: each is read for what it says."""

import numpy as np
import pytest

from tests.service.tensors import INFER, binary_request, json_request, unpacked

IDS = [f"c{i}" for i in range(50)]
BINARY = {"binary_data_output": True}


def scores(service, ids: list[str | bytes], model: str = "homepage", **fields) -> list[object]:
    parameters = {**BINARY, "decision_id": "d", **fields.pop("parameters", {})}
    body, headers = binary_request(ids, parameters=parameters, **fields)
    answer = service.client.post(f"/v2/models/{model}/infer", content=body, headers=headers)
    document, tensors = unpacked(answer)
    assert document["model_name"] == model
    assert document.get("id") == fields.get("id")
    found: list[object] = tensors["scores"]
    return found


def predicted(service, ids: list[str], model: str = "homepage", decision_id: str = "d") -> list:
    answer = service.predict(ids, model=model, decision_id=decision_id, order="input")
    kind = np.float64 if model == "wide" else np.float32
    return np.array(answer["scores"], kind).tolist()


def test_other_ids_get_their_own_scores(service) -> None:
    for count in (50, 20, 50, 1):
        ids = IDS[::-1][:count]
        assert scores(service, ids) == predicted(service, ids)


def test_the_same_words_to_another_model_are_its_own(service) -> None:
    for model in ("homepage", "wide", "greedy", "homepage", "wide"):
        assert scores(service, IDS, model) == predicted(service, IDS, model)


def test_what_one_request_says_is_not_said_by_the_next(service) -> None:
    for number in range(200):  # more than are known at a time
        decision_id = f"d{number % 150}"
        fields = {"id": f"r{number}", "parameters": {"decision_id": decision_id}}
        assert scores(service, IDS, **fields) == predicted(service, IDS, decision_id=decision_id)
    assert scores(service, IDS) == predicted(service, IDS)


def test_a_name_is_what_a_path_decodes_to(start, store) -> None:
    models = "".join(
        f"[models.'{name}']\nversion = '1'\nprior = {{ alpha = 1.0, beta = 1.0 }}\n"
        for name in ("ab", "a%62", "a?b", "a b")
    )
    service = start(store, "default_model = 'ab'\n" + models)
    for path, name in (("ab", "ab"), ("a%62", "ab"), ("a%2562", "a%62"), ("a%20b", "a b")):
        answer = service.client.post(f"/v2/models/{path}/infer", json=json_request(["c1"]))
        assert answer.json()["model_name"] == name
    assert service.client.post("/v2/models/a?b/infer", json=json_request(["c1"])).is_client_error


@pytest.mark.parametrize(
    ("ids", "message"),
    [(["c1", ""], "ids[1]: has 0 bytes"), (["x" * 257, "c1"], "ids[0]: has 257 bytes")],
)
def test_wrong_ids_are_refused_in_known_words(service, ids: list[str], message: str) -> None:
    for sent in (["c1", "c2"], ids, ["c1", "c2"], ids):
        body, headers = binary_request(sent, parameters=BINARY)
        answer = service.client.post(INFER, content=body, headers=headers)
        assert answer.status_code == (422 if sent is ids else 200)
        assert sent is not ids or message in answer.json()["error"]
