"""Scores drawn through the whole service follow the posterior they were drawn from.

False alarms: 4 tests of a Kolmogorov-Smirnov p-value under 1e-7, so 4e-7 for the family; the
decision ids are fixed, so a pass stays a pass.
"""

import numpy as np
import pytest
from scipy import stats

SHAPES = [(1.0, 1.0), (0.5, 0.5), (2.0, 30.0), (300.0, 9000.0)]
ARMS = 10_000

MODEL = """
default_model = "m"
[models.m]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
deadline_ms = 10000
"""


@pytest.mark.parametrize(("requests"), [pytest.param(100, id="a-million-draws")])
def test_scores_follow_their_beta_distribution(start, write_store, tmp_path, requests) -> None:
    names = [f"arm-{i}" for i in range(ARMS)]
    for a, b in SHAPES:
        folder = write_store(
            tmp_path / f"store-{a}-{b}", {"content": (names, np.tile((a, b), (ARMS, 1)))}
        )
        service = start(folder, models=MODEL)
        draws = np.array(
            [
                service.predict(names, decision_id=f"{a}-{b}-{i}", order="input")["scores"]
                for i in range(requests)
            ]
        )
        assert service.stop() == 0
        assert draws.size == requests * ARMS
        assert stats.kstest(draws.ravel(), stats.beta(a, b).cdf).pvalue > 1e-7, (a, b)
        # each arm is drawn once a request: across requests an arm's draws must vary freely
        spread = draws.var(axis=0).mean() / stats.beta(a, b).var()
        assert spread == pytest.approx(1, abs=0.02)
