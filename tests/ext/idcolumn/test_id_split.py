"""split: what it takes, what it leaves, and that with orjson behind it nothing else changes."""

import random
from collections.abc import Callable, Iterator

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idcolumn import IdColumn, split

FIELD = "candidates"


def decode(body: bytes) -> object:
    """Read a body as a service does: split, else orjson on all of it."""
    parts = split(body, FIELD)
    if parts is None:
        return orjson.loads(body)
    ids, envelope = parts
    value = orjson.loads(envelope)
    assert value[FIELD] == []
    value[FIELD] = ids.tolist()
    return value


REFUSED = object()


def outcome(body: bytes, read: Callable[[bytes], object]) -> object:
    try:
        return read(body)
    except orjson.JSONDecodeError:
        return REFUSED


def same(one: object, other: object) -> bool:
    """Equal in values, types and order of keys, at any depth."""
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, dict) and isinstance(other, dict):
            if list(one) != list(other):
                return False
            pairs += zip(one.values(), other.values(), strict=True)
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            pairs += zip(one, other, strict=True)
        elif one != other:
            return False
    return True


def assert_agrees(body: bytes) -> bool:
    """Both readings are one; whether split took the body and the parser its envelope."""
    expected = outcome(body, orjson.loads)
    assert same(outcome(body, decode), expected), body[:1000]
    return expected is not REFUSED and split(body, FIELD) is not None


TAKEN = [
    (b'{"candidates":[]}', [], b'{"candidates":[]}'),
    (b'{"candidates":["a"]}', ["a"], b'{"candidates":[]}'),
    (b'{"candidates":["a","b",""]}', ["a", "b", ""], b'{"candidates":[]}'),
    (
        b' \t\r\n{ "candidates"\n:\t[ "a" ,\r"b"\n] , "k" : 1 } \n',
        ["a", "b"],
        b' \t\r\n{ "candidates"\n:\t[] , "k" : 1 } \n',
    ),
    (b'{"candidates":[ ]}', [], b'{"candidates":[]}'),
    (
        '{"é":"ü","candidates":["日本","🎰"]}'.encode(),
        ["日本", "🎰"],
        '{"é":"ü","candidates":[]}'.encode(),
    ),
    (b'{"candidates":["\x7f","a/b","[","]","{},:"]}', ["\x7f", "a/b", "[", "]", "{},:"], None),
    (b'{"a":"]}\\"\\\\","candidates":["x"],"b":[{"c":"}"},[]]}', ["x"], None),
    (b'{"a":{"candidates":["n"]},"candidates":["x"]}', ["x"], None),
    (b'{"a":[{"candidates":["n"]}],"candidates":["x"],"b":{"candidates":1}}', ["x"], None),
    (b'{"a":"\\u0063andidates","candidates":["x"]}', ["x"], None),
    (b'{"a":{"\\u0063andidates":["n"]},"candidates":["x"]}', ["x"], None),
    (b'{"a":"candidates","candidates":["x"]}', ["x"], None),
    (b'{"a":"\\\\","candidates":["x"]}', ["x"], None),
    (b'{"a":1,"a":2,"candidates":["x"],"a":3}', ["x"], None),
    (b'{"n":-1.5e+3,"t":true,"f":false,"z":null,"candidates":["x"]}', ["x"], None),
]


@pytest.mark.parametrize(("body", "ids", "envelope"), TAKEN)
def test_a_plain_array_is_taken(body: bytes, ids: list[str], envelope: bytes | None) -> None:
    parts = split(body, FIELD)
    assert parts is not None
    assert parts[0] == IdColumn.from_list(ids)
    assert parts[0].tolist() == ids
    assert envelope is None or parts[1] == envelope
    assert assert_agrees(body)


LEFT = [
    # not an object
    b"",
    b" ",
    b"[]",
    b'["candidates"]',
    b'"candidates"',
    b"null",
    b"\xef\xbb\xbf" + b'{"candidates":["a"]}',
    b'\x00{"candidates":["a"]}',
    b'\x0b{"candidates":["a"]}',
    b'/* */{"candidates":["a"]}',
    # not there, or twice
    b"{}",
    b'{"candidate":["a"]}',
    b'{"candidates ":["a"]}',
    b'{"Candidates":["a"]}',
    b'{"a":{"candidates":["a"]}}',
    b'{"candidates":["a"],"candidates":["b"]}',
    b'{"candidates":["a"],"candidates":7}',
    b'{"candidates":7,"candidates":["b"]}',
    b'{"candidates":["a"],"x":{},"candidates":[]}',
    # an escape in a key
    b'{"candidates":["a"],"\\u0063andidates":["b"]}',
    b'{"\\u0063andidates":["b"],"candidates":["a"]}',
    b'{"\\u0063andidates":["b"]}',
    b'{"candidates":["a"],"x\\n":1}',
    # not an array of plain strings
    b'{"candidates":null}',
    b'{"candidates":"a"}',
    b'{"candidates":{"a":"b"}}',
    b'{"candidates":["a",1]}',
    b'{"candidates":["a",null]}',
    b'{"candidates":[["a"]]}',
    b'{"candidates":[{"a":"b"}]}',
    b'{"candidates":["a\\n"]}',
    b'{"candidates":["a\\u00e9"]}',
    b'{"candidates":["\\ud83c\\udfb0"]}',
    b'{"candidates":["\\ud800"]}',
    b'{"candidates":["a\\"]}',
    b'{"candidates":["a\x00"]}',
    b'{"candidates":["a\x1f"]}',
    b'{"candidates":["a\n"]}',
    # not JSON
    b'{"candidates":["a",]}',
    b'{"candidates":[,"a"]}',
    b'{"candidates":["a" "b"]}',
    b'{"candidates":["a""b"]}',
    b'{"candidates":["a";"b"]}',
    b'{"candidates":["a"}',
    b'{"candidates":["a"',
    b'{"candidates":["a',
    b'{"candidates":[',
    b'{"candidates":',
    b'{"candidates"',
    b'{"candidates',
    b"{",
    b'{"candidates":["a"],}',
    b'{"candidates":["a"],',
    b'{"candidates":["a"]',
    b'{"candidates":["a"]]',
    b'{,"candidates":["a"]}',
    b'{"candidates" ["a"]}',
    b'{"candidates"=["a"]}',
    b'{candidates:["a"]}',
    b"{'candidates':['a']}",
    b"{\"candidates\":['a']}",
    b'{"candidates":["a"\x0b]}',
    b'{"candidates":["a"\x00]}',
    b'{"candidates":["a"\xc2\xa0]}',
    b'{"k":"unended,"candidates":["a"]}',
    b'{"k":[,"candidates":["a"]}',
    b'{"k":"\\',
    b'{"k":[1,"\\',
    b'{"k":[1,"x',
]


@pytest.mark.parametrize("body", LEFT)
def test_anything_else_is_left_to_the_parser(body: bytes) -> None:
    assert split(body, FIELD) is None
    assert not assert_agrees(body)


# split only walks over what isn't its array; these are refused by the parser of the envelope.
REFUSED_AROUND = [
    b'{"candidates":["a"]}x',
    b'{"candidates":["a"]}}',
    b'{"candidates":["a"]} \x00',
    b'{"candidates":["a"]}{}',
    b'{"k":,"candidates":["a"]}',
    b'{"k":tru,"candidates":["a"]}',
    b'{"k":NaN,"candidates":["a"]}',
    b'{"k":01,"candidates":["a"]}',
    b'{"k":[1,],"candidates":["a"]}',
    b'{"k":[1},"candidates":["a"]}',
    b'{"k":"\n","candidates":["a"]}',
    b'{"k":"\\x","candidates":["a"]}',
    b'{"k":"\\ud800","candidates":["a"]}',
    b'{"k":"\xff","candidates":["a"]}',
    b'{"k":"\xed\xa0\x80","candidates":["a"]}',
    b'{"k":{"\xc0\x80":1},"candidates":["a"]}',
    b'{"candidates":["a"],"k":\xff}',
]


@pytest.mark.parametrize("body", REFUSED_AROUND)
def test_what_is_not_json_around_the_array_is_refused_all_the_same(body: bytes) -> None:
    assert outcome(body, orjson.loads) is REFUSED
    assert outcome(body, decode) is REFUSED


BAD_UTF8 = [
    b"\x80",
    b"\xc3",
    b"\xc0\x80",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xff",
]


@pytest.mark.parametrize("wrong", BAD_UTF8)
def test_ill_formed_utf_8_is_refused_wherever_it_stands(wrong: bytes) -> None:
    body = '{"model":"é","candidates":["item-1","日本","item-number-3"],"n":[1,{"k":"v"}]}'.encode()
    for at in range(len(body) + 1):
        damaged = body[:at] + wrong + body[at:]
        assert outcome(damaged, orjson.loads) is REFUSED
        assert outcome(damaged, decode) is REFUSED, damaged


def test_every_beginning_of_a_body_is_read_as_the_parser_reads_it() -> None:
    body = '{"m":{"a":["x\\"",[1]]},"candidates":["item-1","日本"],"n":-1.5} \n'.encode()
    taken = [assert_agrees(body[:end]) for end in range(len(body) + 1)]
    assert sum(taken) == 3


def test_every_byte_in_every_place_is_read_as_the_parser_reads_it() -> None:
    body = b'{"m":{"a":["\\""]},"candidates":["i","jk"],"n":1}'
    taken = sum(
        assert_agrees(body[:at] + bytes([byte]) + body[at + skip :])
        for at in range(len(body) + 1)
        for byte in range(256)
        for skip in (0, 1)
    )
    assert taken > 1500


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b"[{"])
def test_a_hundred_thousand_nested_values_are_walked_over(opening: bytes) -> None:
    for depth in (10, 500, 1023, 1024, 1025, 100_000):
        nested = opening * depth
        closed = nested + b"1" * nested.endswith(b":")
        closed += nested[::-1].translate(bytes.maketrans(b"[{", b"]}"), delete=b'"a:')
        for inner in (nested, closed):
            assert_agrees(b'{"k":' + inner + b',"candidates":["a"]}')
            assert_agrees(b'{"candidates":["a"],"k":' + inner + b"}")
            assert_agrees(b'{"candidates":' + inner + b"}")


def test_a_body_of_four_mebibytes() -> None:
    ids = [f"item-{i:x}" for i in range(330_000)]
    body = orjson.dumps({"model": "m", "candidates": ids, "context": {"k": "v" * 1000}})
    assert len(body) > 4_000_000
    parts = split(body, FIELD)
    assert parts is not None
    assert parts[0] == IdColumn.from_list(ids)
    assert parts[0].to_json() == orjson.dumps(ids)
    assert assert_agrees(body)
    assert_agrees(body[:-1])
    assert_agrees(b'{"candidates":["' + b"x" * 4_000_000 + b'"]}')
    assert_agrees(b'{"candidates":["' + b"x" * 4_000_000)


def test_a_body_without_escapes_is_always_taken() -> None:
    rng = random.Random(21)
    for _ in range(2000):
        size = rng.randrange(40)
        ids = ["".join(rng.choices("ab/ -é日🎰", k=rng.randrange(30))) for _ in range(size)]
        body = orjson.dumps({"context": {"a": '"]}\\'}, "candidates": ids, "top_k": 3})
        parts = split(body, FIELD)
        assert parts is not None
        assert parts[0].tolist() == ids
        assert parts[0] == IdColumn.from_list(ids)


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("", b'{"":["a"]}'),
        ("é", '{"é":["a"]}'.encode()),
        ("a b", b'{"a b":["a"]}'),
        ("x" * 1000, b'{"' + b"x" * 1000 + b'":["a"]}'),
    ],
)
def test_the_field_may_be_any_key(field: str, body: bytes) -> None:
    parts = split(body, field)
    assert parts is not None
    assert parts[0].tolist() == ["a"]


@pytest.mark.parametrize("field", ['q"', "b\\", "n\n", "\x00"])
def test_a_field_that_needs_an_escape_is_left_to_the_parser(field: str) -> None:
    assert split(orjson.dumps({field: ["a"]}), field) is None


def test_wrong_arguments_are_refused() -> None:
    for body in ("{}", bytearray(b"{}"), memoryview(b"{}"), None):
        with pytest.raises(TypeError, match="body"):
            split(body, FIELD)  # type: ignore[arg-type]
    for field in (b"candidates", None):
        with pytest.raises(TypeError, match="field"):
            split(b"{}", field)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="field is '\\\\ud800'"):
        split(b"{}", "\ud800")


# Fuzzing: JSON made by Hypothesis, JSON-like token soup, and realistic bodies that are damaged.

TEXTS = st.text(max_size=8) | st.sampled_from(["candidates", '"', "\\", "]", "}", "é", "\u2028"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(TEXTS, VALUES, max_size=4).flatmap(
    lambda rest: st.lists(TEXTS, max_size=6).map(lambda ids: {**rest, "candidates": ids})
)


@settings(max_examples=1500, deadline=None)
@given(value=VALUES | BODIES, indent=st.booleans())
def test_any_json_is_read_as_the_parser_reads_it(value: object, indent: bool) -> None:
    assert_agrees(orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None))


TOKENS = [
    *(b'{ } [ ] : , " \\ \\" \\\\ "a" "" 1 -0.0 1e9 true null "\\n"'.split()),
    *(b'"candidates" "\\u0063andidates" "candidates":[] "candidates":["a"]'.split()),
    *(b'{"candidates":["a","b"]} "\xc3\xa9" \xc3 \xed\xa0\x80 \xff \xc0\x80'.split()),
    *(b"\xf0\x9f\x8e\xb0 \xef\xbb\xbf \\ud800 \\udfff\\ud800".split()),
    *(b" ", b"\n", b"\t", b"\r", b"\x00", b"\x0b", b"\x1f", b"\x7f"),
]


@settings(max_examples=3000, deadline=None)
@given(tokens=st.lists(st.sampled_from(TOKENS), max_size=14))
def test_any_soup_of_tokens_is_read_as_the_parser_reads_it(tokens: list[bytes]) -> None:
    soup = b"".join(tokens)
    assert_agrees(soup)
    assert_agrees(b"{" + soup + b"}")
    assert_agrees(b'{"k":' + soup + b',"candidates":["a"]}')
    assert_agrees(b'{"candidates":[' + soup + b"]}")
    assert_agrees(b'{"candidates":["' + soup + b'"]}')


SEEDS = [
    b'{"candidates":["c1","c22","item-00000333"],"model":"homepage","top_k":2}',
    b'{"model":"m","context":{"segment":"s\\"1","x":[]},"candidates":["a","b"],"order":"input"}',
    b'{ "candidates" : [ "a" ,\n "b" ] ,\t"timeout_ms" : 20 }\r\n',
    '{"decision_id":"é-日本-🎰","candidates":["é","日本語のキー","🎰🎲","plain-old-id"]}'.encode(),
    b'{"candidates":["a\\u00e9","b\\n","\\ud83c\\udfb0"],"context":{"candidates":"x"}}',
    b'{"candidates":[],"deep":[[[[{"a":[{"candidates":["n"]}]}]]]],"z":null}',
    orjson.dumps({"candidates": [f"segment-{i % 7}:content-{i}" for i in range(40)], "top_k": 9}),
]


def mutants(seed: int, count: int) -> Iterator[bytes]:
    """Bodies with one to four wounds each."""
    rng = random.Random(seed)
    for _ in range(count):
        body = rng.choice(SEEDS)
        for _ in range(min(4, 1 + int(rng.expovariate(1.0)))):
            body = wound(body, rng)
        yield body


def wound(body: bytes, rng: random.Random) -> bytes:
    at = place(body, rng)
    end = min(len(body), at + 1 + int(rng.expovariate(0.2)))
    kind = rng.randrange(8)
    if kind == 0:  # one bit
        turned = bytes(byte ^ 1 << rng.randrange(8) for byte in body[at : at + 1])
        return body[:at] + turned + body[at + 1 :]
    if kind == 1:  # one byte
        return body[:at] + rng.randbytes(1) + body[at + 1 :]
    if kind == 2:
        return body[:at] + body[end:]
    if kind == 3:
        return body[:end] + body[at:end] + body[end:]
    if kind == 4:  # the beginning of one and the end of another
        other = rng.choice(SEEDS)
        return body[:at] + other[place(other, rng) :]
    if kind == 5 and rng.random() < 0.05:
        return body[:at] + rng.choice([b"[", b"{", b'{"a":', b"x", b" "]) * 3000 + body[at:]
    return body[:at] + rng.choice(TOKENS) + body[end if kind == 6 else at :]


def place(body: bytes, rng: random.Random) -> int:
    """Anywhere; half of the time next to a structural character, where a wound may well heal."""
    at = rng.randrange(len(body) + 1)
    if rng.random() < 0.5:
        while at < len(body) and body[at] not in b'{}[]:,"':
            at += 1
    return at


def assert_mutants_agree(seed: int, count: int) -> None:
    taken = sum(assert_agrees(body) for body in mutants(seed, count))
    assert 0.03 * count < taken < 0.6 * count


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bodies_are_read_as_the_parser_reads_them(seed: int) -> None:
    assert_mutants_agree(seed, 25_000)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_million_damaged_bodies_are_read_as_the_parser_reads_them(seed: int) -> None:
    assert_mutants_agree(seed, 100_000)
