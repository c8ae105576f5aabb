"""FeatureTable against a dict, at its bound, under threads and with wrong arguments."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from typing_extensions import Buffer

from featuretable import FeatureTable
from tests.ext.featuretable.columns import (
    BATCHES,
    GREATEST,
    Keys,
    keys,
    misaligned,
    random_keys,
)


def read(table: FeatureTable, at: Keys) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    return table.lookup(*at)


def assert_like(table: FeatureTable, model: dict[tuple[int, int], list[float]], seen: Keys) -> None:
    values, found, hits = read(table, seen)
    pairs = list(zip(seen[0].tolist(), seen[1].tolist(), strict=True))
    assert found.tolist() == [pair in model for pair in pairs]
    assert hits == found.sum()
    absent = [np.nan] * table.features
    np.testing.assert_array_equal(
        values, np.reshape([model.get(pair, absent) for pair in pairs], values.shape)
    )
    assert len(table) == len(model)
    of_buffer = table.lookup_keys(np.concatenate(seen))
    assert [part.tobytes() for part in of_buffer[:2]] == [values.tobytes(), found.tobytes()]
    assert of_buffer[2] == hits


STEPS = st.lists(
    st.tuples(st.sampled_from(["upsert", "upsert", "upsert", "remove", "clear"]), BATCHES),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, features=st.integers(1, 4), max_rows=st.integers(1, 200))
def test_it_does_what_a_bounded_dict_does(
    steps: list[tuple[str, list[tuple[int, int]]]], features: int, max_rows: int
) -> None:
    table = FeatureTable(features, max_rows)
    model: dict[tuple[int, int], list[float]] = {}
    seen: set[tuple[int, int]] = {(5, 5)}
    for number, (action, batch) in enumerate(steps):
        seen.update(batch)
        if action == "upsert":
            rows = [[1000.0 * number + i] * features for i in range(len(batch))]
            refused = 0
            for pair, row in zip(batch, rows, strict=True):
                if pair in model or len(model) < max_rows:
                    model[pair] = row
                else:
                    refused += 1
            values = np.reshape(np.array(rows, np.float64), (len(batch), features))
            assert table.upsert(*keys(batch), values) == refused
        elif action == "remove":
            there = sum(model.pop(pair, None) is not None for pair in batch)
            assert table.remove(*keys(batch)) == there
        else:
            table.clear()
            model.clear()
        assert_like(table, model, keys(sorted(seen)))


@pytest.mark.parametrize("features", [1, 2, 7])
def test_many_random_steps_at_the_bound(features: int) -> None:
    rng = np.random.default_rng(20240611)
    max_rows = 3000
    pool = random_keys(6000, seed=1)
    pool[0][:2000] = 2**64 - 5  # one hash, 2,000 fingerprints, at the far end
    table = FeatureTable(features, max_rows)
    model: dict[tuple[int, int], list[float]] = {}
    for _ in range(60):
        picks = rng.integers(0, len(pool[0]), 500)
        batch = pool[0][picks], pool[1][picks]
        pairs = list(zip(batch[0].tolist(), batch[1].tolist(), strict=True))
        if rng.random() < 0.7:
            values = rng.random((500, features))
            refused = 0
            for pair, row in zip(pairs, values.tolist(), strict=True):
                if pair in model or len(model) < max_rows:
                    model[pair] = row
                else:
                    refused += 1
            assert table.upsert(*batch, values) == refused
        else:
            there = sum(model.pop(pair, None) is not None for pair in pairs)
            assert table.remove(*batch) == there
        assert_like(table, model, pool)


def test_rows_survive_every_growth_and_every_removal() -> None:
    at = random_keys(300_000, seed=2)
    values = np.random.default_rng(3).random((300_000, 2))
    table = FeatureTable(2, 300_000)
    assert table.upsert(*at, values) == 0
    got, found, hits = read(table, at)
    assert hits == 300_000
    assert found.all()
    np.testing.assert_array_equal(got, values)

    half = at[0][::2].copy(), at[1][::2].copy()
    rest = at[0][1::2].copy(), at[1][1::2].copy()
    assert table.remove(*half) == 150_000
    assert table.remove(*half) == 0
    assert read(table, half)[2] == 0
    np.testing.assert_array_equal(read(table, rest)[0], values[1::2])
    assert len(table) == 150_000


def test_the_bound_holds_and_known_rows_still_change() -> None:
    table = FeatureTable(2, 1000)
    at = random_keys(1500, seed=4)
    assert table.upsert(*at, np.ones((1500, 2))) == 500
    assert len(table) == 1000
    assert table.upsert(*at, np.full((1500, 2), 2.0)) == 500
    values, found, _ = read(table, at)
    assert found.tolist() == [True] * 1000 + [False] * 500
    assert (values[:1000] == 2.0).all()
    assert np.isnan(values[1000:]).all()


def test_memory_is_bounded_by_max_rows() -> None:
    table = FeatureTable(2, 100_000)
    assert table.nbytes < 10_000
    at = random_keys(200_000, seed=5)
    table.upsert(*at, np.zeros((200_000, 2)))
    assert 32 * 100_000 < table.nbytes <= 41 * 100_000
    table.clear()
    assert table.nbytes < 10_000
    assert len(table) == 0
    assert read(table, at)[2] == 0


def test_the_last_of_duplicates_in_a_batch_stays() -> None:
    table = FeatureTable(1, 10)
    at = keys([(1, 1), (2, 2), (1, 1), (1, 1)])
    assert table.upsert(*at, np.array([[1.0], [2.0], [3.0], [4.0]])) == 0
    assert read(table, at)[0][:, 0].tolist() == [4.0, 2.0, 4.0, 4.0]
    assert len(table) == 2
    assert table.remove(*at) == 2


@pytest.mark.parametrize("hash_", [0, 1, 2**63, GREATEST])
def test_an_equal_hash_with_another_fingerprint_never_matches(hash_: int) -> None:
    table = FeatureTable(1, 10)
    table.upsert(*keys([(hash_, 17)]), np.ones((1, 1)))
    others = keys([(hash_, 16), (hash_, 18), (hash_, 0), (hash_, GREATEST), (17, hash_)])
    values, found, hits = read(table, others)
    assert hits == 0
    assert not found.any()
    assert np.isnan(values).all()
    assert table.remove(*others) == 0
    assert read(table, keys([(hash_, 17)]))[2] == 1


def test_ten_thousand_rows_of_one_hash() -> None:
    fingerprints = np.random.default_rng(6).permutation(10_000).astype(np.uint64)
    at = np.full(10_000, GREATEST, np.uint64), fingerprints
    table = FeatureTable(1, 10_000)
    assert table.upsert(*at, fingerprints[:, None].astype(np.float64)) == 0
    np.testing.assert_array_equal(read(table, at)[0][:, 0], fingerprints)
    assert table.remove(*at) == 10_000


def test_the_greatest_key_is_never_held() -> None:
    table = FeatureTable(1, 10)
    greatest = keys([(GREATEST, GREATEST)])
    assert read(table, greatest)[2] == 0
    assert table.upsert(*greatest, np.ones((1, 1))) == 1
    assert table.remove(*greatest) == 0
    assert len(table) == 0


def test_values_come_back_bit_for_bit() -> None:
    rows = np.array([[np.nan, np.inf], [-0.0, 5e-324], [1.7e308, -np.inf]])
    at = random_keys(3, seed=7)
    table = FeatureTable(2, 3)
    table.upsert(*at, rows)
    assert read(table, at)[0].tobytes() == rows.tobytes()


def test_nothing_is_a_valid_batch() -> None:
    table = FeatureTable(3, 5)
    none = random_keys(0, seed=0)
    assert table.upsert(*none, np.empty((0, 3))) == 0
    values, found, hits = table.lookup(*none)
    assert (values.shape, found.shape, hits) == ((0, 3), (0,), 0)
    assert table.remove(*none) == 0


def test_read_only_inputs_are_taken() -> None:
    table = FeatureTable(1, 5)
    low, high = random_keys(5, seed=8)
    values = np.ones((5, 1))
    for array in (low, high, values):
        array.flags.writeable = False
    assert table.upsert(low, high, values) == 0
    assert read(table, (low, high))[2] == 5


def test_a_reader_never_sees_half_a_row_while_others_write() -> None:
    features, count, batch = 4096, 16, 64  # rows of 32 KiB, so that reads and writes do overlap
    at = random_keys(count, seed=9)
    table = FeatureTable(features, count)
    every = np.tile(at[0], 4), np.tile(at[1], 4)
    faults: list[str] = []
    done = threading.Event()

    def write(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(150):
            picks = rng.integers(0, count, batch)
            keys = at[0][picks], at[1][picks]
            table.upsert(*keys, np.repeat(rng.random((batch, 1)), features, axis=1))
            table.remove(*(part[:4] for part in keys))

    def look() -> None:
        while not done.is_set():
            values, found, hits = read(table, every)
            if hits != found.sum():
                faults.append(f"{hits} hits, {found.sum()} found")
            if not (values[found] == values[found][:, :1]).all():
                faults.append("a row of two writes")
            if not np.isnan(values[~found]).all():
                faults.append("values where nothing was found")

    readers = [threading.Thread(target=look) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert faults == []
    assert len(table) == read(table, at)[2] > 0


def test_a_row_is_removed_once_by_however_many_threads() -> None:
    count = 200_000
    at = random_keys(count, seed=11)
    table = FeatureTable(1, count)
    table.upsert(*at, np.zeros((count, 1)))
    removed: list[int] = []
    threads = [threading.Thread(target=lambda: removed.append(table.remove(*at))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(removed) == [0, 0, count]  # a call is not seen half done
    assert len(table) == 0


@pytest.mark.parametrize(
    ("features", "max_rows", "message"),
    [
        (0, 1, "features is 0, must be in"),
        (-1, 1, "features is -1, must be in"),
        (65_537, 1, "features is 65537, must be in"),
        (2, 0, "max_rows is 0, must be in"),
        (2, 2**64, "max_rows is 18446744073709551616, must be in"),
    ],
)
def test_a_wrong_size_is_refused(features: int, max_rows: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureTable(features, max_rows)


LOW, HIGH = random_keys(4, seed=10)
VALUES = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("ab", HIGH, VALUES), TypeError, "hashes is a str"),
        ((None, HIGH, VALUES), TypeError, "hashes is a NoneType"),
        ((LOW.view(np.int64), HIGH, VALUES), TypeError, "hashes is an array of int64"),
        ((LOW.astype(">u8"), HIGH, VALUES), TypeError, "hashes is an array of >u8"),
        ((LOW.reshape(2, 2), HIGH, VALUES), ValueError, r"hashes has shape \(2, 2\)"),
        ((LOW, HIGH[:3], VALUES), ValueError, r"fingerprints has shape \(3,\), must be \(4,"),
        ((LOW, np.zeros(8, np.uint64)[::2], VALUES), ValueError, "fingerprints is not C-"),
        ((LOW, misaligned(), VALUES), ValueError, "fingerprints is not aligned"),
        ((LOW, HIGH, VALUES.astype(np.float32)), TypeError, "values is an array of float32"),
        ((LOW, HIGH, np.zeros((4, 3))), ValueError, r"values has shape \(4, 3\), must be"),
        ((LOW, HIGH, np.zeros((2, 4)).T), ValueError, "values is not C-contiguous"),
    ],
)
def test_a_wrong_array_is_refused_by_name(
    arguments: tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.float64]],
    error: type[Exception],
    message: str,
) -> None:
    table = FeatureTable(2, 5)
    with pytest.raises(error, match=message):
        table.upsert(*arguments)
    if not message.startswith("values"):
        with pytest.raises(error, match=message):
            table.lookup(*arguments[:2])


@pytest.mark.parametrize(
    ("buffer", "error", "message"),
    [
        (3, TypeError, "int"),
        (np.zeros(16, np.uint64)[::2], ValueError, "not C-contiguous"),
        (memoryview(bytes(64))[::2], BufferError, "not C-contiguous"),
        (bytes(24), ValueError, "keys has 24 bytes, must have a multiple of 16"),
        (misaligned(), ValueError, "keys is not aligned"),
    ],
)
def test_a_wrong_buffer_of_keys_is_refused(
    buffer: Buffer, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        FeatureTable(2, 5).lookup_keys(buffer)


@pytest.mark.parametrize(
    "call",
    [
        lambda table: table.upsert(LOW, HIGH, np.zeros((3, 2))),
        lambda table: table.upsert(LOW, HIGH[:2], VALUES),
        lambda table: table.remove(LOW[:1], HIGH),
    ],
)
def test_upsert_and_remove_check_their_arrays_too(call: Callable[[FeatureTable], int]) -> None:
    table = FeatureTable(2, 5)
    with pytest.raises(ValueError, match="has shape"):
        call(table)
    assert len(table) == 0
