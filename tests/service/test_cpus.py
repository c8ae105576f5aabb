"""The CPU quota of a container."""

import os
from pathlib import Path

import pytest

from service.cpus import cpu_quota

ALLOWED = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("max 100000", ALLOWED),
        ("100000 100000", 1),
        ("50000 100000", 1),
        ("9900000 100000", ALLOWED),
    ],
)
def test_cgroup_v2(tmp_path: Path, text: str, cpus: int) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert cpu_quota(tmp_path) == cpus


def test_cgroup_v1(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("100000")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000")
    assert cpu_quota(tmp_path) == 1


def test_no_cgroup(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) == ALLOWED
