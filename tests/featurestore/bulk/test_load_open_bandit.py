"""Four real logs of impressions and clicks, against sums made another way."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from featurestore import LmdbStore
from idcolumn import IdColumn
from service.data import load

LOGS = Path(__file__).parents[3] / ".." / "shared" / "data" / "open_bandit"
pytestmark = pytest.mark.skipif(not LOGS.is_dir(), reason=f"there are no logs in {LOGS}")


@pytest.mark.parametrize("files", [["random_{}.csv"], ["bts_{}.csv", "random_{}.csv"]])
@pytest.mark.parametrize(("campaign", "items"), [("men", 34), ("women", 46)])
def test_clicks_and_impressions_of_every_item(
    tmp_path: Path, files: list[str], campaign: str, items: int
) -> None:
    paths = [str(LOGS / file.format(campaign)) for file in files]
    options = ["--id", "item_id", "--reward", "click", "--entity-type", campaign]
    result = CliRunner().invoke(load, [*paths, *options, "--store", str(tmp_path / "store")])
    assert result.exit_code == 0, result.output

    impressions: Counter[str] = Counter()
    clicks: Counter[str] = Counter()
    for path in paths:
        with Path(path).open(newline="") as lines:
            for row in csv.DictReader(lines):
                impressions[row["item_id"]] += 1
                clicks[row["item_id"]] += int(row["click"])
    assert len(impressions) == items
    with LmdbStore.open(tmp_path / "store", readonly=True) as store:
        assert store.tables()[campaign].rows == items
        ids = list(impressions)
        values, found = store.read(campaign, IdColumn.from_list(ids), ("alpha", "beta"))
    assert found.all()
    expected = [[1 + clicks[name], 1 + impressions[name] - clicks[name]] for name in ids]
    assert values.tolist() == expected
