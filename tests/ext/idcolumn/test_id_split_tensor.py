"""split_tensor: what it takes, what it leaves, and that a parser would have read the same."""

import json
import random
import struct
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idcolumn import IdColumn, split_tensor

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def packed(ids: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in ids)


def head(data: bytes, shape: list[int], **fields: object) -> dict[str, Any]:
    tensor = {"name": "ids", "datatype": "BYTES", "shape": shape}
    return {**fields, "inputs": [tensor | {"parameters": {"binary_data_size": len(data)}}]}


@settings(deadline=None)
@given(
    ids=st.lists(st.text(max_size=20), min_size=1, max_size=9),
    before=st.dictionaries(st.text("abcd", max_size=5), JSON, max_size=3),
    indent=st.sampled_from([None, 1]),
    shaped=st.sampled_from([lambda n: [n], lambda n: [1, n], lambda n: [n, 1]]),
)
def test_a_request_is_parted_into_its_ids_and_the_rest(
    ids: list[str], before: dict[str, object], indent: int | None, shaped: Any
) -> None:
    data = packed([text.encode() for text in ids])
    document = head(data, shaped(len(ids)), **before)
    text = json.dumps(document, indent=indent).encode()
    column, rest = split_tensor(text + data, len(text), "ids") or pytest.fail("not split")
    assert column == IdColumn.from_list(ids)
    assert column.to_json() == orjson.dumps(ids)
    assert orjson.loads(rest) == {**document, "inputs": []}


DATA = packed([b"a", b"bc"])
RIGHT = (
    b'{"inputs":[{"name":"ids","shape":[2],"datatype":"BYTES",'
    b'"parameters":{"binary_data_size":11}}]}'
)
OTHERS = [
    (b'"ids"', b'"id"'),
    (b'"ids"', b'"\\u0069ds"'),
    (b'"ids"', b"1"),
    (b'"BYTES"', b'"FP32"'),
    (b'"name"', b'"n\\u0061me"'),
    (b'"inputs"', b'"input"'),
    (b"[2]", b"[1]"),
    (b"[2]", b"[3]"),
    (b"[2]", b"[02]"),
    (b"[2]", b"[2.0]"),
    (b"[2]", b"[2e0]"),
    (b"[2]", b"[-2]"),
    (b"[2]", b"[]"),
    (b"[2]", b"[2,2]"),
    (b"[2]", b"[1,1,2]"),
    (b"[2]", b"[2,]"),
    (b"[2]", b"2"),
    (b"[2]", b"[4294967296,4294967296]"),
    (b"[2]", b"[100000000000000000000000000000000002]"),
    (b":11", b":10"),
    (b":11", b":12"),
    (b":11", b":null"),
    (b":11", b":11,"),
    (b":11", b':11,"x":1'),
    (b":11", b':11,"binary_data_size":11'),
    (b'{"binary_data_size":11}', b"{}"),
    (b'"name":"ids"', b'"name":"ids","name":"ids"'),
    (b'"name":"ids",', b""),
    (b'"name":"ids"', b'"name":"ids","data":[]'),
    (b"}]}", b"},{}]}"),
    (b"}]}", b'}],"inputs":[]}'),
    (b"}]}", b"}]"),
    (b"[{", b"{"),
]


@pytest.mark.parametrize(("part", "other"), OTHERS)
def test_what_it_does_not_know_is_left_to_others(part: bytes, other: bytes) -> None:
    assert split_tensor(RIGHT + DATA, len(RIGHT), "ids") is not None
    text = RIGHT.replace(part, other, 1)
    assert text != RIGHT
    assert split_tensor(text + DATA, len(text), "ids") is None


@pytest.mark.parametrize("data", [packed([b"a", b"\xff\xff"]), packed([b"abc"]) + b"1234"])
def test_a_malformed_tensor_is_left_to_others(data: bytes) -> None:
    text = RIGHT.replace(b":11", b":%d" % len(data))
    assert split_tensor(text + data, len(text), "ids") is None


def test_what_is_read_of_a_damaged_request_is_what_a_parser_reads() -> None:
    rng = random.Random(51)
    read = 0
    for _ in range(20_000):
        text = bytearray(RIGHT[:-1] + b',"parameters":{"top_k":1, "x":[{"y":"]}"}]}}')
        for _ in range(rng.choice([1, 1, 2])):
            at = rng.randrange(len(text))
            text[at : at + rng.choice([0, 1])] = rng.choice(b'"[]{},:12\\ a').to_bytes()
        parts = split_tensor(bytes(text) + DATA, len(text), "ids")
        if parts is None:
            continue
        try:
            whole = orjson.loads(text)
        except orjson.JSONDecodeError:
            with pytest.raises(orjson.JSONDecodeError):
                orjson.loads(parts[1])
            continue
        tensor = whole["inputs"][0]
        assert orjson.loads(parts[1]) == {**whole, "inputs": []}
        assert (tensor["name"], tensor["datatype"]) == ("ids", "BYTES")
        assert tensor["parameters"] == {"binary_data_size": 11}
        read += 1
    assert read > 1000


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"start is 4, must be in \[0, 3\]"):
        split_tensor(b"abc", 4, "ids")
    with pytest.raises(TypeError):
        split_tensor("abc", 0, "ids")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        split_tensor(b"abc", 0, None)  # type: ignore[arg-type]
