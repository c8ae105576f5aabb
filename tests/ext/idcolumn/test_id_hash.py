"""The ids' hash: against published vectors, CPython's own SipHash, and statistics.

A plain Python SipHash stands between the two: it is checked against the authors' vectors (2-4
rounds, 64 and 128 bits) and CPython (1-3 rounds, 64 bits), and the column against it (1-3, 128).
"""

import ast
import math
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from idcolumn import HASH_VERSION, IdColumn, hash_id, split

MASK = 2**64 - 1


def rotl(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & MASK


def sip_round(v: list[int]) -> None:
    for a, b, turn in ((0, 1, 13), (2, 3, 16)):
        v[a] = (v[a] + v[b]) & MASK
        v[b] = rotl(v[b], turn) ^ v[a]
    v[0] = rotl(v[0], 32)
    for a, b, turn in ((0, 3, 21), (2, 1, 17)):
        v[a] = (v[a] + v[b]) & MASK
        v[b] = rotl(v[b], turn) ^ v[a]
    v[2] = rotl(v[2], 32)


def siphash(text: bytes, key: bytes, rounds: tuple[int, int], words: int) -> list[int]:
    """SipHash-c-d with one or two 64-bit words of output."""
    k0, k1 = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D]
    v += [k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    v[1] ^= 0xEE if words == 2 else 0
    padded = text + bytes(-(len(text) + 1) % 8) + bytes([len(text) % 256])
    for i in range(0, len(padded), 8):
        block = int.from_bytes(padded[i : i + 8], "little")
        v[3] ^= block
        for _ in range(rounds[0]):
            sip_round(v)
        v[0] ^= block
    output = []
    for word, mark in zip(range(words), (0xEE if words == 2 else 0xFF, 0xDD), strict=False):
        v[2 - word] ^= mark
        for _ in range(rounds[1]):
            sip_round(v)
        output.append(v[0] ^ v[1] ^ v[2] ^ v[3])
    return output


# From vectors.h of the authors' reference implementation: key 00..0f, input the first n of 00..
VECTORS_128 = {
    0: "a3817f04ba25a8e66df67214c7550293",
    1: "da87c1d86b99af44347659119b22fc45",
    2: "8177228da4a45dc7fca38bdef60affe4",
    15: "5493e99933b0a8117e08ec0f97cfc3d9",
    63: "5150d1772f50834a503e069a973fbd7c",
}
# The paper's own example, appendix A.
VECTORS_64 = {15: 0xA129CA6149BE45E5}
SEQUENCE = bytes(range(64))


@pytest.mark.parametrize("size", VECTORS_128)
def test_the_reference_has_the_authors_128_bit_vectors(size: int) -> None:
    words = siphash(SEQUENCE[:size], SEQUENCE[:16], (2, 4), 2)
    assert b"".join(word.to_bytes(8, "little") for word in words).hex() == VECTORS_128[size]


def test_the_reference_has_the_paper_s_64_bit_example() -> None:
    assert siphash(SEQUENCE[:15], SEQUENCE[:16], (2, 4), 1) == [VECTORS_64[15]]


@pytest.mark.skipif(sys.hash_info.algorithm != "siphash13", reason="CPython hashes otherwise here")
def test_the_reference_agrees_with_cpython_on_1_3_rounds() -> None:
    texts = [SEQUENCE[:size] for size in range(1, 65)]  # CPython hashes nothing to 0
    program = f"print([hash(text) for text in {texts!r}])"
    output = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "0"},  # a key of zeros
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    expected = [value % 2**64 for value in ast.literal_eval(output)]
    assert [siphash(text, bytes(16), (1, 3), 1)[0] for text in texts] == expected


def expected_hash(text: bytes) -> tuple[int, int]:
    low, high = siphash(text, b"bandit-serve ids", (1, 3), 2)
    return low, high


def test_every_length_hashes_as_the_reference_does() -> None:
    rng = random.Random(11)
    for size in [*range(130), 255, 256, 257, 1000, 4099]:
        text = rng.randbytes(size)
        assert hash_id(text) == expected_hash(text), size


@pytest.mark.usefixtures("each_level")
def test_a_column_hashes_what_hash_id_hashes() -> None:
    ids = [
        "",
        "c1",
        "item-00017",
        "fur Élise",
        "日本語のキー",
        "🎰" * 9,
        "\x00",
        'a"b\\c\n',
        "x" * 300,
    ]
    column = IdColumn.from_list(ids)
    pairs = list(zip(column.hashes.tolist(), column.fingerprints.tolist(), strict=True))
    assert pairs == [hash_id(text.encode()) for text in ids]
    assert pairs == [expected_hash(text.encode()) for text in ids]


@pytest.mark.usefixtures("each_level")
@pytest.mark.parametrize("count", [1, 7, 64, 400])
@pytest.mark.parametrize("most", [3, 16, 63, 64, 200])
def test_ids_of_any_lengths_side_by_side(count: int, most: int) -> None:
    rng = random.Random(15)
    ids = ["".join(rng.choices("abcé", k=rng.randint(0, most)))[:most] for _ in range(count)]
    text = orjson.dumps({"ids": ids})
    column, _ = split(text, "ids") or pytest.fail("not split")
    lengths = [len(id_.encode()).to_bytes(4, "little") for id_ in ids]
    tensor = b"".join(size + id_.encode() for size, id_ in zip(lengths, ids, strict=True))
    expected = [expected_hash(id_.encode()) for id_ in ids]
    for made in (column, IdColumn.from_list(ids), IdColumn.from_tensor(tensor, 0, count)):
        pairs = zip(made.hashes.tolist(), made.fingerprints.tolist(), strict=True)
        assert list(pairs) == expected
    affixed = column.affix("x:", "").hashes.tolist()
    assert affixed == [expected_hash(f"x:{id_}".encode())[0] for id_ in ids]


# Rows in stores' hot tiers and the sampler's lanes hang on these: a change of one is a new
# HASH_VERSION.
GOLDEN = {
    "": (0xEE4BAAC7E6C13F18, 0x61500F5386FB836D),
    "a": (0x53D924EC6308E48C, 0x2C2091DEBF3A89B1),
    "c1": (0x58AAB2D0A656D5CD, 0x5D0C83342CC1378B),
    "abcdefg": (0xE1C15B5E99D58DA1, 0xE32C1C17D7D58E44),
    "abcdefgh": (0x6A39679F95BE74B2, 0x2D07CA8EB97C1239),
    "item-0000000001": (0x1D515F66E96E20A0, 0x2B6AF79D2196B582),
    "segment-3:content-42": (0x78159466208B5DF2, 0xF75484970F596258),
    "日本語のキー": (0x7A61B665FCFDC882, 0xFA53B832222CA572),
    "6fa459ea-ee8a-3ca4-894e-db77e160355e": (0x858FEEA8B643A226, 0x443ED21E5CDFBB4D),
}


def test_the_hash_of_this_version_is_pinned() -> None:
    assert HASH_VERSION == 1
    assert {text: hash_id(text.encode()) for text in GOLDEN} == GOLDEN


def test_every_input_bit_turns_every_output_bit_half_of_the_time() -> None:
    rng = np.random.default_rng(12)
    samples, size = 4096, 16
    ids = rng.integers(0, 256, (samples, size), np.uint8)
    plain = output_bits(ids)
    worst = 0.0
    for bit in range(8 * size):
        turned = ids.copy()
        turned[:, bit // 8] ^= np.uint8(1 << bit % 8)
        share = (plain ^ output_bits(turned)).mean(axis=0)
        worst = max(worst, float(np.abs(share - 0.5).max()) * 2 * math.sqrt(samples))
    # 16,384 shares: the largest of as many normal deviates passes 6.6 once in a million runs.
    assert worst < 6.6


def output_bits(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    hashes = np.array([hash_id(text.tobytes()) for text in ids], np.uint64)
    return np.unpackbits(hashes.view(np.uint8), axis=1)


def families(count: int) -> Iterator[tuple[str, list[str]]]:
    rng = random.Random(13)
    yield "numbers", [str(i) for i in range(count)]
    yield "padded", [f"item-{i:010d}" for i in range(count)]
    yield "pairs", [f"segment-{i % 97}:content-{i // 97}" for i in range(count)]
    yield "uuids", [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(count)]
    yield "paths", [f"https://example.org/a/{i:x}/{i * 7919:x}.html?ref=home" for i in range(count)]


def assert_looks_random(name: str, column: IdColumn) -> None:
    low, high = column.hashes, column.fingerprints
    count = len(column)
    for half, words in (("hash", low), ("fingerprint", high)):
        assert len(np.unique(words)) == count, f"two {name} share a {half}"
        for shift in (0, 20, 32):
            assert_birthdays(f"{name} {half}>>{shift}", words >> np.uint64(shift))
        for shift in (0, 25, 52):
            assert_even(f"{name} {half}>>{shift}", words >> np.uint64(shift) & np.uint64(4095))
    joint = low >> np.uint64(58) << np.uint64(6) | high >> np.uint64(58)
    assert_even(f"{name}, hash and fingerprint", joint)
    assert_even(f"{name}, hash xor fingerprint", (low ^ high) & np.uint64(4095))


def assert_birthdays(name: str, words: NDArray[np.uint64]) -> None:
    """Pairs that share 32 bits are as many as among random words, within 5.5 deviations."""
    count = len(words)
    shared = count - len(np.unique(words.astype(np.uint32)))
    expected = count - 2.0**32 * -math.expm1(count * math.log1p(-(2.0**-32)))
    assert abs(shared - expected) < 5.5 * math.sqrt(expected), name


def assert_even(name: str, buckets: NDArray[np.uint64]) -> None:
    """Chi-square over 4,096 buckets, within 5.5 deviations."""
    counts = np.bincount(buckets.astype(np.int64), minlength=4096)
    mean = len(buckets) / 4096
    chi_square = float(((counts - mean) ** 2).sum()) / mean
    assert abs(chi_square - 4095) < 5.5 * math.sqrt(2 * 4095), name


# 14 statistics a family, 5 families. The heaviest tail is that of the birthdays in the short run, a
# Poisson of mean 10, past 5.5 deviations once in 100,000: a false alarm less than once in 1,000
# choices of the ids, which are fixed.
def test_a_million_ids_hash_as_random_words() -> None:
    for name, ids in families(300_000):
        assert_looks_random(name, IdColumn.from_list(ids))


@pytest.mark.long
def test_ten_million_ids_hash_as_random_words() -> None:
    for name, ids in families(2_000_000):
        assert_looks_random(name, IdColumn.from_list(ids))
