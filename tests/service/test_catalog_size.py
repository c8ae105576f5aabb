"""Ten million arms: read in the memory that is documented, mapped, and drawn from."""

import resource
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest

from bandit.arms import Eligible
from bandit.sampler import CpuSampler
from service.catalogs.aside import Aside
from service.catalogs.file import file_name, open_arms
from service.catalogs.order import Order, Said
from service.config import load_settings

COUNT = 10_000_000
CONFIG = """
[models.m]
version = "1"
prior = { alpha = 2.0, beta = 30.0 }
[catalogs.c]
"""


def write(path: Path) -> None:
    rng = np.random.default_rng(1)
    numbers = pyarrow.array(np.arange(COUNT)).cast(pyarrow.string())
    ids = pyarrow.compute.binary_join_element_wise("video", numbers, "-")
    columns = {"id": ids, "alpha": rng.gamma(2.0, 9.0, COUNT), "beta": rng.gamma(9.0, 9.0, COUNT)}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_ten_million_arms(tmp_path) -> None:
    arms, config = tmp_path / "arms.parquet", tmp_path / "config.toml"
    write(arms)
    config.write_text(f'{CONFIG}path = "{arms}"')
    told: list[Said] = []
    order = Order(load_settings(config), "c", tmp_path)
    outcome = Aside(order, 1000, urgent=True).run(told.append)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert outcome.arms == COUNT
    assert [said.arms for said in told] == sorted(said.arms for said in told)
    assert outcome.bytes / COUNT < 24 + 14.5
    assert peak / COUNT < 200
    mapped = open_arms(tmp_path / file_name(outcome.version))
    mapped.touch()
    snapshot = mapped.snapshot
    best, draws = CpuSampler(1).top_k(snapshot.arms, Eligible(), 7, 100)
    assert len(set(snapshot.ids(best).tolist())) == 100
    assert draws.tolist() == sorted(draws.tolist(), reverse=True)
    assert snapshot.positions(snapshot.ids(np.sort(best))).tolist() == sorted(best.tolist())
