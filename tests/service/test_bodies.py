"""Random and mutated bodies: each gets an answer that the contract knows."""

import http.client
import json
import random
from collections import Counter

import pytest

ALLOWED = {200, 400, 413, 415, 422}
SEED = 20_24

PIECES = [b'"candidates"', b'"context"', b'"top_k"', b"null", b"true", b"-1", b"1e400", b"0.5"]
PIECES += [b"9" * 400, b'"\\ud800"', b'"\\u0000"', b'"\xed\xa0\x80"', b"\xff", b"[[", b"{", b"}"]
PIECES += [b"]", b",", b":", b'"', b"\\", b" ", b"\x00", b"[" * 2000, b'{"a":' * 500, b'"\xe2\x82']
CONTENT_TYPES = ["application/json"] * 20 + ["text/plain", "application/json; charset=x", "\xff"]


def request(rng: random.Random) -> dict:
    ids = [f"c{rng.randrange(2000)}" for _ in range(rng.choice([1, 2, 5, 40]))]
    body: dict = {"candidates": ids}
    extras = {
        "model": rng.choice(["homepage", "greedy", "pairs", "nobody", 3]),
        "context": rng.choice([{"segment": "young"}, {"segment": 1}, {}, [], "x"]),
        "decision_id": rng.choice(["d", "", "x" * 200, 5, "\ud83d\ude00", "\r\n"]),
        "top_k": rng.choice([1, 10, 0, -1, 10**30, 1.5, "1"]),
        "order": rng.choice(["score", "input", "best", None]),
        "timeout_ms": rng.choice([1000, 0, -5, "x"]),
        "typo": 1,
    }
    for name in rng.sample(sorted(extras), rng.randrange(4)):
        body[name] = extras[name]
    if rng.random() < 0.2:
        ids[rng.randrange(len(ids))] = rng.choice(["", "é" * 200, 'a"b', "\\", "x" * 300, 7, None])
    return body


def mutated(body: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        at = rng.randrange(len(body) + 1)
        until = min(len(body), at + rng.choice([0, 1, 1, 3, 20]))
        body = body[:at] + rng.choice([b"", rng.choice(PIECES), rng.randbytes(2)]) + body[until:]
    return body


def bodies(count: int, rng: random.Random):
    for i in range(count):
        if i % 10 == 0:
            yield rng.randbytes(rng.randrange(200))
        elif i % 2000 == 1:
            yield b"[" * (5 << 20)
        else:
            text = json.dumps(request(rng), ensure_ascii=rng.random() < 0.5)
            yield mutated(text.encode("utf-8", "surrogatepass"), rng)


def answers(url: str, count: int, seed: int) -> Counter[int]:
    """Return how often each status came; fails on a connection lost without an answer."""
    rng = random.Random(seed)
    seen: Counter[int] = Counter()
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    for body in bodies(count, rng):
        headers = {"content-type": rng.choice(CONTENT_TYPES)}
        try:
            connection.request("POST", "/predict", body, headers)
        except (BrokenPipeError, ConnectionResetError):
            assert len(body) > 4 << 20  # refused from its length while it was still being sent
            seen[413] += 1
            connection.close()
            continue
        answer = connection.getresponse()
        answer.read()
        seen[answer.status] += 1
        assert answer.status in ALLOWED, (seed, body, headers)
    connection.close()
    return seen


def check(service, count: int) -> None:
    seen = answers(service.url, count, SEED)
    assert seen.total() == count
    assert seen.keys() >= ALLOWED if count > 2000 else seen.keys() >= {200, 400, 422}
    service.predict(["c1"])
    assert service.client.get("/health").json()["worker"]["in_flight"] == 0


def test_every_body_gets_an_answer_of_the_contract(service) -> None:
    check(service, 4000)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_hundred_thousand_bodies_get_an_answer_of_the_contract(service) -> None:
    check(service, 100_000)
