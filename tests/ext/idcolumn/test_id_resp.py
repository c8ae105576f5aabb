"""IdColumn as keys of Redis: bulk strings, and hash slots of a cluster."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idcolumn import IdColumn

redis_crc = pytest.importorskip("redis.crc", reason="pip install 'bandit-serve[redis]'")

IDS_LISTS = st.lists(st.text(max_size=40), max_size=30)
BRACES = st.lists(st.text("{}ab", max_size=12), max_size=30)


@settings(deadline=None)
@given(ids=IDS_LISTS, prefix=st.binary(max_size=12), head=st.binary(max_size=12))
def test_ids_are_bulk_strings(ids: list[str], prefix: bytes, head: bytes) -> None:
    keys = [prefix + text.encode() for text in ids]
    expected = b"".join(head + b"$%d\r\n%b\r\n" % (len(key), key) for key in keys)
    assert IdColumn.from_list(ids).to_resp(prefix, head) == expected


@pytest.mark.parametrize("size", [0, 9, 10, 99, 100, 99_999, 100_000])
def test_lengths_have_their_digits(size: int) -> None:
    assert IdColumn.from_list(["x" * size]).to_resp(b"") == b"$%d\r\n%b\r\n" % (size, b"x" * size)


def test_a_view_is_packed_as_what_it_shows() -> None:
    column = IdColumn.from_list(["a", "bb", "ccc"]).affix("<", ">")
    assert column.to_resp(b"p:") == b"$5\r\np:<a>\r\n$6\r\np:<bb>\r\n$7\r\np:<ccc>\r\n"


@settings(deadline=None)
@given(ids=IDS_LISTS | BRACES, prefix=st.sampled_from([b"", b"p:t:", b"{p}:", b"{", b"{}x"]))
def test_slots_are_those_of_the_client_package(ids: list[str], prefix: bytes) -> None:
    slots = IdColumn.from_list(ids).key_slots(prefix)
    assert slots.tolist() == [redis_crc.key_slot(prefix + text.encode()) for text in ids]
    assert slots.dtype.name == "uint16"


def test_a_slot_of_the_specification() -> None:
    assert IdColumn.from_list(["123456789"]).key_slots(b"").tolist() == [0x31C3]


def test_a_prefix_is_bytes() -> None:
    column = IdColumn.from_list(["a"])
    for wrong in ("p", None, bytearray(b"p")):
        with pytest.raises(TypeError):
            column.to_resp(wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            column.to_resp(b"", wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            column.key_slots(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 200])
@pytest.mark.parametrize("most", [1, 2, 3, 100, 1_000])
def test_ids_are_asked_for_by_commands_of_a_bound(count: int, most: int) -> None:
    ids = [f"id-{i}" + "x" * (i * 37 % 120) for i in range(count)]
    commands = [[b"MGET", *ids[start : start + most]] for start in range(0, count, most)]
    expected = b"".join(
        b"*%d\r\n" % len(parts)
        + b"".join(
            b"$%d\r\n%b\r\n" % (len(part), part)
            for part in [parts[0], *(b"p:" + id_.encode() for id_ in parts[1:])]
        )
        for parts in commands
    )
    assert IdColumn.from_list(ids).to_mget(b"p:", most) == expected


def test_no_ids_need_no_command() -> None:
    assert IdColumn.from_list([]).to_mget(b"p:", 100) == b""
    with pytest.raises(ValueError, match="most is 0, must be >= 1"):
        IdColumn.from_list(["a"]).to_mget(b"p:", 0)
