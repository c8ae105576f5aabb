"""Damaged bodies and headers of the Open Inference Protocol: each is answered, none by a 5xx."""

import http.client
import json
import random
from collections import Counter

import pytest

from tests.service.tensors import HEADER, INFER, packed

ALLOWED = {200, 400, 415, 422}
PIECES = [b'"ids"', b"null", b"true", b"-1", b"1e400", b"[[", b"{", b"}", b"]", b'"', b"\xff" * 4]
PIECES += [b"\x00\x00\x00\x80", b'"binary_data_size":', b"\xed\xa0\x80", b"9" * 30, b"[" * 500]


def request(rng: random.Random) -> tuple[bytes, int]:
    """Return a body, which is right more often than not, and the size of its JSON."""
    ids = [f"c{rng.randrange(2000)}" for _ in range(rng.choice([1, 2, 5, 40]))]
    count, data = len(ids), packed(ids)
    tensor: dict = {"name": "ids", "datatype": "BYTES"}
    tensor["shape"] = rng.choice([[count]] * 4 + [[1, count], [count, 1], [2, count], [-1], []])
    binary = rng.random() < 0.8
    if binary:
        size = rng.choice([len(data)] * 9 + [0, -1, len(data) + 1, 2**63, 1.5, None])
        tensor["parameters"] = {"binary_data_size": size}
    else:
        tensor["data"] = rng.choice([ids] * 4 + [[ids], [[i] for i in ids], [None], [[[]]]])
    document: dict = {"inputs": [tensor] * rng.choice([1] * 9 + [2])}
    extras = {
        "parameters": rng.choice([{"binary_data_output": True}, {"top_k": 1}, {"x": []}, [], 1]),
        "outputs": rng.choice([[{"name": "scores"}], [{"name": "candidates"}], [{}], [1], "x"]),
        "id": rng.choice(["r", "", 1, [], None]),
        "typo": 1,
    }
    for name in rng.sample(sorted(extras), rng.choice([0, 0, 1, 2])):
        document[name] = extras[name]
    text = json.dumps(document).encode()
    return text + data * binary, len(text)


def mutated(body: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice([0, 1, 1, 2, 5])):
        at = rng.randrange(len(body) + 1)
        until = min(len(body), at + rng.choice([0, 1, 1, 4, 20]))
        body = body[:at] + rng.choice([b"", rng.choice(PIECES), rng.randbytes(2)]) + body[until:]
    return body


def check(service, count: int) -> None:
    rng = random.Random(20_25)
    seen: Counter[int] = Counter()
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=10)
    for _ in range(count):
        body, size = request(rng)
        body = mutated(body, rng)
        size += rng.choice([0] * 12 + [len(body) - size, 1, -1, -size, 10**6])
        headers = {"content-type": "application/octet-stream", HEADER: str(size)}
        connection.request("POST", INFER, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        seen[answer.status] += 1
        assert answer.status in ALLOWED, (body, headers, text)
        assert answer.status == 200 or list(json.loads(text)) == ["error"]
    connection.close()
    assert seen.keys() >= {200, 400, 422}, seen
    assert service.client.get("/health").json()["worker"]["in_flight"] == 0


def test_every_damaged_tensor_gets_an_answer_of_the_contract(service) -> None:
    check(service, 3000)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_hundred_thousand_damaged_tensors_get_an_answer_of_the_contract(service) -> None:
    check(service, 100_000)
