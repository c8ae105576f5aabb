"""The file of a snapshot: whole or refused."""

from pathlib import Path

import numpy as np
import pytest

from idcolumn import IdColumn
from service.catalogs.build import Built, build
from service.catalogs.file import BadFile, file_name, open_arms, tidy, write_arms
from service.catalogs.rows import Rows
from service.config import load_settings

COUNT = 5_000
CONFIG = """
[models.m]
version = "1"
prior = { alpha = 2.0, beta = 30.0 }
[catalogs.plain]
[catalogs.tagged]
tags = ["kids", "sports"]
"""


@pytest.fixture(params=["plain", "tagged"])
def made(request, tmp_path: Path) -> Built:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    rng = np.random.default_rng(3)
    ids = IdColumn.from_list([f"a{i}" for i in range(COUNT)])
    tags = rng.integers(0, 4, COUNT).astype(np.float64) if request.param == "tagged" else None
    rows = Rows(ids, rng.gamma(2.0, 9.0, (COUNT, 2)), tags, 0, None)
    rows.values[7] = np.nan
    return build(load_settings(path).catalogs[request.param], [rows])


def test_what_was_written_is_read(tmp_path, made: Built) -> None:
    path = tmp_path / file_name(made.version)
    size = write_arms(path, made, 1234.5)
    assert path.stat().st_size == size
    mapped = open_arms(path)
    mapped.touch()
    snapshot = mapped.snapshot
    assert (snapshot.version, snapshot.missing, snapshot.built_at) == (made.version, 1, 1234.5)
    for name in ("alpha", "beta", "lanes"):
        read, written = getattr(snapshot.arms, name), getattr(made.arms, name)
        assert read.dtype == written.dtype
        assert np.array_equal(read, written)
        assert read.ctypes.data % 64 == 0
        assert not read.flags.writeable
    tags = snapshot.arms.tags
    assert tags is made.arms.tags is None or np.array_equal(tags, made.arms.tags)
    assert snapshot.ids(np.arange(COUNT)) == made.ids.ids()
    assert snapshot.positions(made.ids.ids()).tolist() == list(range(COUNT))
    assert snapshot.positions(IdColumn.from_list(["b1"])).tolist() == []
    per_arm = 24 + (0 if tags is None else 8) + len(made.ids.data) / COUNT
    assert size / COUNT == pytest.approx(per_arm, abs=1)


def test_a_snapshot_outlives_its_file_and_what_is_let_go_of_it(tmp_path, made: Built) -> None:
    path = tmp_path / file_name(made.version)
    write_arms(path, made, 0.0)
    mapped = open_arms(path)
    tidy(tmp_path, "another")
    assert not path.exists()
    mapped.let_go()
    snapshot = mapped.snapshot
    del mapped
    assert np.array_equal(snapshot.arms.alpha, made.arms.alpha)
    assert snapshot.ids(np.arange(COUNT)) == made.ids.ids()


@pytest.mark.parametrize("lost", [1, 5000, 100_000])
def test_a_file_that_is_not_whole_is_refused(tmp_path, made: Built, lost: int) -> None:
    path = tmp_path / file_name(made.version)
    size = write_arms(path, made, 0.0)
    path.write_bytes(path.read_bytes()[: size - lost])
    with pytest.raises(BadFile, match=rf"has {size - lost} bytes, must have {size}: it is not"):
        open_arms(path)


@pytest.mark.parametrize("content", [b"", b"id,alpha,beta\n", b"bandit-serve arms 2 {}"])
def test_a_foreign_file_is_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "x.arms"
    path.write_bytes(content)
    with pytest.raises(BadFile, match="is no snapshot of a catalogue, or of another"):
        open_arms(path)


def test_a_file_of_half_a_head_is_refused(tmp_path, made: Built) -> None:
    path = tmp_path / file_name(made.version)
    write_arms(path, made, 0.0)
    whole = path.read_bytes()
    for size, said in ((40, "broken head"), (4000, "not whole")):
        path.write_bytes(whole[:size])
        with pytest.raises(BadFile, match=said):
            open_arms(path)


def test_only_the_present_version_is_left(tmp_path, made: Built) -> None:
    write_arms(tmp_path / file_name(made.version), made, 0.0)
    for name in ("0123.arms", "0123.99.part", f"{made.version}.99.part"):
        (tmp_path / name).touch()
    (tmp_path / "state.json").touch()
    tidy(tmp_path, made.version)
    left = sorted(path.name for path in tmp_path.iterdir() if path.name != "config.toml")
    assert left == sorted([file_name(made.version), "state.json"])
