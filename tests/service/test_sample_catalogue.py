"""The made-up catalogue: repeatable, well-formed, and distributed as it says."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from service.data import load, sample
from service.data.sample_catalogue import KINDS, generate

ROWS = 200_000


def test_the_same_seed_gives_the_same_catalogue() -> None:
    one, same, other = generate(1000, 5), generate(1000, 5), generate(1000, 6)
    assert one.ids == same.ids
    assert np.array_equal(one.trials, same.trials)
    assert np.array_equal(one.successes, same.successes)
    assert not np.array_equal(one.trials, other.trials)


def test_ids_are_different_and_numbered_within_their_kind() -> None:
    ids = generate(ROWS, 1).ids
    assert len(set(ids)) == ROWS
    for kind, share in KINDS.items():
        numbers = [int(name.removeprefix(f"{kind}-")) for name in ids if name.startswith(kind)]
        assert numbers == list(range(len(numbers)))
        # 5 standard deviations of a binomial: a false alarm in 2 million runs.
        assert len(numbers) == pytest.approx(ROWS * share, abs=5 * (ROWS * share) ** 0.5)


def test_impressions_have_a_cold_third_and_a_long_tail() -> None:
    trials = generate(ROWS, 2).trials
    assert trials.min() == 0
    # 35 % by design, and the few lognormal ones (4.9 % of 65 %) that come out as small.
    assert 0.36 < (trials <= 10).mean() < 0.40
    assert 1 <= (trials > 1_000_000).sum() <= ROWS // 1000
    assert np.sort(trials)[-ROWS // 100 :].sum() > trials.sum() / 3


def test_clicks_follow_their_rates() -> None:
    catalogue = generate(ROWS, 3)
    assert ((catalogue.successes >= 0) & (catalogue.successes <= catalogue.trials)).all()
    busy = catalogue.trials > 5000
    rates = catalogue.successes[busy] / catalogue.trials[busy]
    # Beta(2, 30): mean 1/16, standard deviation 0.0421; 5 standard errors.
    assert rates.mean() == pytest.approx(1 / 16, abs=5 * 0.0421 / busy.sum() ** 0.5)
    assert rates.std() == pytest.approx(0.0421, rel=0.1)


@pytest.mark.parametrize(("rows", "seed", "name"), [(-1, 0, "rows"), (1, -1, "seed")])
def test_negative_arguments_are_named(rows: int, seed: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is -1, must be >= 0"):
        generate(rows, seed)


def test_an_empty_catalogue() -> None:
    assert generate(0, 0).ids == []


def test_the_command_writes_a_file_that_loads(tmp_path: Path) -> None:
    file = str(tmp_path / "sample.csv")
    assert CliRunner().invoke(sample, [file, "--rows", "3000", "--seed", "9"]).exit_code == 0
    catalogue = generate(3000, 9)
    lines = Path(file).read_text().splitlines()
    assert lines[0] == "id,successes,trials"
    assert lines[-1] == f"{catalogue.ids[-1]},{catalogue.successes[-1]},{catalogue.trials[-1]}"
    result = CliRunner().invoke(load, [file, "--store", str(tmp_path / "store")])
    assert (result.exit_code, result.stdout.splitlines()[1]) == (0, "3,000 rows read, 0 bad")
