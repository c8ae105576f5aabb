"""The Open Inference Protocol over HTTP, as its specification and the binary extension have it."""

import json
import socket

import httpx
import numpy as np
import pytest

from tests.service.tensors import HEADER, INFER, binary_request, json_request, packed, unpacked

IDS = [f"c{i}" for i in range(50)]
BINARY = {"binary_data_output": True}


def post(service, body: bytes, headers: dict[str, str], path: str = INFER) -> httpx.Response:
    answer: httpx.Response = service.client.post(path, content=body, headers=headers)
    return answer


def error(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert list(document) == ["error"]
    message: str = document["error"]
    return message


def test_the_server_describes_itself(service) -> None:
    for path in ("/v2", "/v2/"):
        document = service.client.get(path).json()
        assert document["name"] == "bandit-serve"
        assert document["extensions"] == ["binary_tensor_data"]
        assert document["version"]
    assert service.client.get("/v2/health/live").json() == {"live": True}
    assert service.client.get("/v2/health/ready").json() == {"ready": True}


@pytest.mark.parametrize("path", ["/v2/models/wide", "/v2/models/wide/versions/1"])
def test_a_model_is_described(service, path: str) -> None:
    ids = {"name": "ids", "datatype": "BYTES", "shape": [-1]}
    scores = {"name": "scores", "datatype": "FP64", "shape": [-1]}
    assert service.client.get(path).json() == {
        "name": "wide",
        "versions": ["1"],
        "platform": "bandit-serve",
        "inputs": [ids],
        "outputs": [scores, {**ids, "name": "candidates"}],
    }
    assert service.client.get(f"{path}/ready").json() == {"name": "wide", "ready": True}


@pytest.mark.parametrize("path", ["/v2/models/nobody", "/v2/models/homepage/versions/9"])
def test_unknown_models_and_versions_are_a_404(service, path: str) -> None:
    assert "nobody" in path or "has no version '9', but '3'" in error(service.client.get(path), 404)
    error(service.client.get(f"{path}/ready"), 404)
    error(post(service, *binary_request(IDS), f"{path}/infer"), 404)
    error(service.client.get("/v2/nowhere"), 404)
    answer = service.client.get(f"{path}/infer")
    assert (error(answer, 405), answer.headers["allow"])[1] == "POST"


@pytest.mark.parametrize("shape", [[50], [1, 50], [50, 1]])
@pytest.mark.parametrize("model", ["homepage", "greedy", "optimist", "wide"])
def test_scores_are_those_of_predict_bit_for_bit(service, model: str, shape: list[int]) -> None:
    parameters = {**BINARY, "decision_id": "d-1"}
    body, headers = binary_request(IDS, shape, parameters=parameters, id="r-1")
    answer = post(service, body, headers, f"/v2/models/{model}/infer")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-decision-id"] == "d-1"
    assert "score;dur=" in answer.headers["server-timing"]
    document, tensors = unpacked(answer)
    predicted = service.predict(IDS, model=model, decision_id="d-1", order="input")
    kind = np.float64 if model == "wide" else np.float32
    assert (
        np.array(tensors["scores"], kind).tolist() == np.array(predicted["scores"], kind).tolist()
    )
    assert (document["model_name"], document["model_version"]) == (model, predicted["version"])
    assert document["id"] == "r-1"
    facts = {"decision_id": "d-1", "missing": 0, "degraded": False}
    assert document["parameters"] == facts


@pytest.mark.parametrize("binary_in", [False, True])
@pytest.mark.parametrize("binary_out", [False, True])
def test_every_form_gives_the_same_answer(service, binary_in: bool, binary_out: bool) -> None:
    ids = ["c1", "日本", "Élise", "c1", 'quo"te', "back\\slash", "\x00", "nobody"]
    fields = {"parameters": {"decision_id": "d-2", "binary_data_output": binary_out, "top_k": 5}}
    if binary_in:
        answer = post(service, *binary_request(ids, **fields))
    else:
        answer = service.client.post(INFER, json=json_request(ids, **fields))
    assert (HEADER in answer.headers) == binary_out
    document, tensors = unpacked(answer)
    predicted = service.predict(ids, decision_id="d-2", top_k=5, order="input")
    assert tensors["candidates"] == predicted["candidates"]
    assert np.float32(tensors["scores"]).tolist() == np.float32(predicted["scores"]).tolist()
    assert document["parameters"]["missing"] == predicted["missing"] == 6
    assert "id" not in document


def test_ranked_and_chosen_outputs(service) -> None:
    best = service.predict(IDS, decision_id="d-3", top_k=7)
    parameters = {"decision_id": "d-3", "top_k": 7, "order": "score"}
    outputs = [{"name": "candidates", "parameters": {"binary_data": True}}, {"name": "scores"}]
    body, headers = binary_request(IDS, parameters=parameters, outputs=outputs)
    document, tensors = unpacked(post(service, body, headers))
    assert tensors == {"candidates": best["candidates"], "scores": best["scores"]}
    assert [output["name"] for output in document["outputs"]] == ["candidates", "scores"]
    outputs = [{"name": "scores", "parameters": {"binary_data": False}}]
    body, headers = binary_request(IDS, parameters=BINARY | parameters, outputs=outputs)
    answer = post(service, body, headers)
    assert answer.json()["outputs"][0]["data"] == best["scores"]
    assert HEADER not in answer.headers


@pytest.mark.parametrize(
    ("shape", "data"), [([1, 3], [["a", "b", "c"]]), ([3, 1], [["a"], ["b"], ["c"]])]
)
def test_nested_data(service, shape: list[int], data: list[list[str]]) -> None:
    request = json_request(["a", "b", "c"], parameters={"decision_id": "d"})
    flat = service.client.post(INFER, json=request).json()
    request["inputs"][0] |= {"shape": shape, "data": data}
    assert service.client.post(INFER, json=request).json() == flat
    request["inputs"][0]["shape"] = [3]
    error(service.client.post(INFER, json=request), 422)


def test_the_context_comes_as_parameters(service) -> None:
    path = "/v2/models/pairs/infer"
    parameters = {"context.segment": "old", "context.other": "x"}
    answer = service.client.post(path, json=json_request(IDS, parameters=parameters))
    scores = unpacked(answer)[1]["scores"]
    predicted = service.predict(IDS, model="pairs", context={"segment": "old"}, order="input")
    assert scores == predicted["scores"]
    message = error(service.client.post(path, json=json_request(IDS)), 422)
    assert "context.segment: is missing" in message


def test_only_the_parameter_keys_the_randomness(service) -> None:
    answers = [service.client.post(INFER, json=json_request(IDS, id="same")) for _ in range(2)]
    first, second = (unpacked(answer)[0] for answer in answers)
    assert first["id"] == second["id"] == "same"
    assert first["parameters"]["decision_id"] != second["parameters"]["decision_id"]
    assert first["outputs"] != second["outputs"]


GOOD = {"name": "ids", "datatype": "BYTES", "shape": [1], "data": ["c1"]}
WRONG: list[tuple[object, str]] = [
    ([], "body: must be an object"),
    ({}, "inputs: must be an array of one tensor, 'ids'"),
    ({"inputs": [GOOD, GOOD]}, "inputs: must be an array of one tensor"),
    ({"inputs": [{**GOOD, "name": "x"}]}, "inputs[0].name: is \"x\", must be 'ids'"),
    ({"inputs": [{**GOOD, "datatype": "FP32"}]}, 'inputs[0].datatype: is "FP32"'),
    ({"inputs": [{**GOOD, "typo": 1}]}, "inputs[0].typo: is not a field"),
    ({"inputs": [{**GOOD, "shape": [2]}]}, "inputs[0].data: has 1 elements, but the shape is [2]"),
    ({"inputs": [{**GOOD, "shape": [-1]}]}, "inputs[0].shape: must be [n], [1, n] or [n, 1]"),
    ({"inputs": [{**GOOD, "shape": [1, 1, 1]}]}, "inputs[0].shape: must be [n]"),
    ({"inputs": [{**GOOD, "shape": [True]}]}, "inputs[0].shape: must be [n]"),
    ({"inputs": [{**GOOD, "shape": [2, 2]}]}, "inputs[0].shape: must be [n]"),
    ({"inputs": [{**GOOD, "data": [7]}]}, "ids[0]: is 7, must be a string"),
    ({"inputs": [{**GOOD, "data": "c1"}]}, 'inputs[0].data: is "c1", must be an array'),
    ({"inputs": [{**GOOD, "data": [""]}]}, "ids[0]: has 0 bytes, must have 1 to 256"),
    ({"inputs": [{**GOOD, "shape": [0], "data": []}]}, "ids: is empty"),
    ({"inputs": [{**GOOD, "parameters": {"x": 1}}]}, "inputs[0].parameters: may hold binary_"),
    ({"inputs": [{**GOOD, "parameters": {"binary_data_size": 5}}]}, "has both data and binary_"),
    ({"inputs": [GOOD], "id": 5}, "id: is 5, must be a string"),
    ({"inputs": [GOOD], "model_name": "greedy"}, 'model_name: is "greedy", but the path says'),
    ({"inputs": [GOOD], "typo": 5}, "typo: is not a field"),
    ({"inputs": [GOOD], "outputs": [{"name": "x"}]}, "outputs: must be an array of tensors"),
    ({"inputs": [GOOD], "outputs": [{"name": "scores"}] * 2}, "each once"),
    ({"inputs": [GOOD], "parameters": []}, "parameters: is an array, must be an object"),
    ({"inputs": [GOOD], "parameters": {"timeout": 5}}, "timeout: is not a parameter"),
    ({"inputs": [GOOD], "parameters": {"timeout_ms": 0}}, "timeout_ms: is 0, must be an integer"),
    ({"inputs": [GOOD], "parameters": {"decision_id": ""}}, 'decision_id: is ""'),
    ({"inputs": [GOOD], "parameters": {"order": "x"}}, 'order: is "x"'),
    ({"inputs": [GOOD], "parameters": {"binary_data_output": 1}}, "must be true or false"),
    ({"inputs": [GOOD], "parameters": {"context.a": 1}}, "context.a: is 1, must be a string"),
]


@pytest.mark.parametrize(("request_", "message"), WRONG, ids=[text for _, text in WRONG])
def test_what_is_wrong_is_said(service, request_: object, message: str) -> None:
    assert message in error(service.client.post(INFER, json=request_), 422)


def test_every_wrong_field_is_named_at_once(service) -> None:
    request = {"inputs": [{**GOOD, "shape": [2]}], "a": 1, "id": 2, "parameters": {"top_k": 0}}
    message = error(service.client.post(INFER, json=request), 422)
    assert all(f"{field}: " in message for field in ("a", "id", "inputs[0].data", "top_k"))


def test_more_candidates_than_the_model_allows(service) -> None:
    answer = post(service, *binary_request(IDS[:6]), "/v2/models/tight/infer")
    assert "ids: holds 6 ids, at most 5 allowed" in error(answer, 422)


def sized(data: bytes, size: object, count: int) -> tuple[bytes, dict]:
    """Return a request whose data, announced size and shape may disagree."""
    parameters = {"binary_data_size": size}
    tensor = {"name": "ids", "shape": [count], "datatype": "BYTES", "parameters": parameters}
    text = json.dumps({"inputs": [tensor]}).encode()
    return text + data, {"content-type": "application/octet-stream", HEADER: str(len(text))}


DATA = packed(["c1", "c2"])
TENSORS = [
    (DATA, 12, 3, "element 2 has no length: 0 bytes are left, must be 4"),
    (DATA, 12, 1, "6 bytes are left over after 1 elements"),
    (DATA, 12, 2**60, "elements don't fit in 12 bytes"),
    (DATA[:-1], 11, 2, "element 1 has a length of 2 bytes, but 1 are left"),
    (packed([b"c1", b"\xff\xfe"]), 12, 2, "element 1 is not UTF-8"),
    (packed(["", "c1"]), 10, 2, "ids[0]: has 0 bytes, must have 1 to 256"),
    (packed(["c1", "x" * 257]), 267, 2, "ids[1]: has 257 bytes, must have 1 to 256"),
    (b"", 0, 0, "ids: is empty"),
    (DATA, 11, 2, "binary_data_size: is 11, but 12 bytes follow the JSON object"),
    (DATA, 13, 2, "binary_data_size: is 13, but 12 bytes"),
    (DATA, -12, 2, "binary_data_size: is -12, but 12 bytes"),
    (DATA, "12", 2, 'binary_data_size: is "12", but 12 bytes'),
    (DATA, 12.0, 2, "binary_data_size: is 12.0, but 12 bytes"),
    (DATA, None, 2, "binary_data_size: is null, but 12 bytes"),
]


@pytest.mark.parametrize(("data", "size", "count", "message"), TENSORS)
def test_tensors_that_do_not_fit(service, data: bytes, size, count: int, message: str) -> None:
    answer = post(service, *sized(data, size, count))
    assert message in error(answer, 422)


@pytest.mark.parametrize("length", ["-1", "x", "", "1.5", "999999", "9" * 30, "9" * 5000, "+5"])
def test_a_length_of_the_json_that_cannot_be(service, length: str) -> None:
    body, headers = binary_request(IDS)
    message = error(post(service, body, {**headers, HEADER: length}), 400)
    assert f"{HEADER} is '{length[:12]}', must be an integer from 0 to {len(body)}" in message


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_a_length_that_cuts_the_json(service, cut: int) -> None:
    body, headers = binary_request(IDS)
    assert error(post(service, body, {**headers, HEADER: str(cut)}), 400)
    del headers[HEADER]
    assert error(post(service, body, headers), 400)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/octet-stream", "content-encoding": "deflate"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_bodies_that_cannot_be_read_are_a_415(service, headers: dict[str, str]) -> None:
    assert error(post(service, b"{}", headers), 415)


def test_trace_and_compressed_answers(service) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body, headers = binary_request(IDS, parameters=BINARY)
    answer = post(service, body, {**headers, "traceparent": trace, "accept-encoding": "gzip"})
    assert answer.headers["traceparent"] == trace
    assert "content-encoding" not in answer.headers
    assert len(unpacked(answer)[1]["scores"]) == 50


def test_pipelined_requests_are_answered_in_order(service) -> None:
    host, _, port = service.url.removeprefix("http://").partition(":")
    sent = b""
    for i in range(20):
        body, headers = binary_request(IDS[: i + 1], id=f"r{i}", parameters=BINARY)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = [f"POST {INFER} HTTP/1.1", "host: x", f"content-length: {len(body)}", *lines]
        sent += "\r\n".join([*head, "", ""]).encode() + body
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent)
        received = b""
        while received.count(b"HTTP/1.1 200") < 20 or b'"id":"r19"' not in received:
            chunk = connection.recv(65536)
            assert chunk, received
            received += chunk
    at = [received.index(f'"id":"r{i}"'.encode()) for i in range(20)]
    assert at == sorted(at)


def test_the_number_of_wrong_ids_is_told_whatever_it_is(service) -> None:
    request = json_request([""] * 50, parameters={"order": "best"})
    said = error(service.client.post(INFER, json=request), 422)
    assert "ids: has 30 more wrong ids" in said
    assert "order: is" in said
