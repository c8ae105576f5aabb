"""Scores drawn through the whole service follow the posterior they were drawn from.

False alarms: 4 tests of a Kolmogorov-Smirnov p-value under 1e-7, so 4e-7 for the family; the
decision ids are fixed, so a pass stays a pass.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

SHAPES = [(1.0, 1.0), (0.5, 0.5), (2.0, 30.0), (300.0, 9000.0)]
ARMS = 10_000
NAMES = [f"arm-{i}" for i in range(ARMS)]

MODEL = """
[models.{name}]
version = "1"
entity_type = "{name}"
prior = {{ alpha = 1.0, beta = 1.0 }}
deadline_ms = 10000
"""


@pytest.fixture(scope="module")
def shape_store(write_store, tmp_path_factory) -> Path:
    """A table of every shape, all of whose arms have it."""
    return write_store(
        tmp_path_factory.mktemp("shapes"),
        {f"shape{i}": (NAMES, np.tile(shape, (ARMS, 1))) for i, shape in enumerate(SHAPES)},
    )


@pytest.mark.parametrize(
    "requests",
    [
        pytest.param(25, id="250,000-draws"),
        pytest.param(100, id="a-million-draws", marks=pytest.mark.long),
    ],
)
def test_scores_follow_their_beta_distribution(start, shape_store, requests: int) -> None:
    models = "".join(MODEL.format(name=f"shape{i}") for i in range(len(SHAPES)))
    service = start(shape_store, models=f'default_model = "shape0"\n{models}')
    for i, (a, b) in enumerate(SHAPES):
        asked = {"model": f"shape{i}", "order": "input"}
        draws = np.array(
            [
                service.predict(NAMES, decision_id=f"{a}-{b}-{request}", **asked)["scores"]
                for request in range(requests)
            ]
        )
        assert draws.size == requests * ARMS
        assert stats.kstest(draws.ravel(), stats.beta(a, b).cdf).pvalue > 1e-7, (a, b)
        # each arm is drawn once a request: across requests an arm's draws must vary freely
        spread = draws.var(axis=0, ddof=1).mean() / stats.beta(a, b).var()
        assert spread == pytest.approx(1, abs=0.02)
    assert service.stop() == 0
