"""Real logged decisions, loaded and served: the ranking follows the empirical click rates."""

import csv
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

DATA = Path(__file__).parents[3] / "shared/data/open_bandit"
ITEMS = {"men": 34, "women": 46}

MODELS = """
default_model = "men_mean"
[models.men_mean]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
entity_type = "men"
policy = "greedy"
[models.women_mean]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
entity_type = "women"
policy = "greedy"
[models.men_draw]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
entity_type = "men"
[models.women_draw]
version = "1"
prior = { alpha = 1.0, beta = 1.0 }
entity_type = "women"
"""


def counted(campaign: str) -> tuple[Counter[str], Counter[str]]:
    clicks: Counter[str] = Counter()
    impressions: Counter[str] = Counter()
    for policy in ("random", "bts"):
        with (DATA / f"{policy}_{campaign}.csv").open(newline="") as lines:
            for row in csv.DictReader(lines):
                impressions[row["item_id"]] += 1
                clicks[row["item_id"]] += int(row["click"])
    return clicks, impressions


@pytest.fixture(scope="module")
def real_store(tmp_path_factory: pytest.TempPathFactory, command: str) -> Path:
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is absent")
    store = tmp_path_factory.mktemp("real") / "store"
    for campaign in ITEMS:
        files = [DATA / f"{policy}_{campaign}.csv" for policy in ("random", "bts")]
        options = ["--id", "item_id", "--reward", "click", "--entity-type", campaign]
        subprocess.run([command, "load", *files, *options, "--store", store], check=True)
    return store


@pytest.mark.parametrize("campaign", ITEMS)
def test_real_items_rank_by_what_was_seen_of_them(start, real_store, campaign: str) -> None:
    clicks, impressions = counted(campaign)
    names = sorted(impressions)
    assert len(names) == ITEMS[campaign]
    assert sum(clicks.values()) == {"men": 46 + 69, "women": 46 + 46}[campaign]
    service = start(real_store, models=MODELS)
    means = service.scores(names, model=f"{campaign}_mean")
    for name in names:
        alpha, beta = 1 + clicks[name], 1 + impressions[name] - clicks[name]
        assert means[name] == pytest.approx(alpha / (alpha + beta), rel=1e-6)
    rates = [clicks[name] / impressions[name] for name in names]
    assert stats.spearmanr([means[name] for name in names], rates).statistic > 0.9
    draws = [
        service.scores(names, model=f"{campaign}_draw", decision_id=f"{i}") for i in range(300)
    ]
    for name in names:
        alpha, beta = 1 + clicks[name], 1 + impressions[name] - clicks[name]
        fit = stats.kstest([draw[name] for draw in draws], stats.beta(alpha, beta).cdf)
        assert fit.pvalue > 1e-7  # 80 items in all: a false alarm in 100,000 seeds
    best = max(names, key=lambda name: means[name])
    wins = np.mean([max(draw, key=lambda name: draw[name]) == best for draw in draws])
    assert wins > 1.5 / len(names)
