"""Bodies are seeded, as skewed as they should be, and as cold."""

import json
from collections import Counter
from pathlib import Path

import pytest

from loadtest.result import Workload
from loadtest.workload import BODIES, EXPONENT, Bodies, make_bodies

IDS = [f"c{i}" for i in range(1000)]


def candidates(workload: Workload, bodies: int, ids: list[str] = IDS) -> list[list[str]]:
    return [json.loads(body)["candidates"] for body in make_bodies(workload, ids, bodies)]


@pytest.mark.parametrize("ids", ["uniform", "zipf"])
@pytest.mark.parametrize("count", [40, 400, 1000])
def test_bodies_are_seeded_and_their_ids_distinct(ids: str, count: int) -> None:
    workload = Workload(count, ids, seed=1)
    bodies = make_bodies(workload, IDS, 3)
    assert bodies == make_bodies(workload, IDS, 3)
    assert bodies != make_bodies(Workload(count, ids, seed=2), IDS, 3)
    for asked in candidates(workload, 3):
        assert len(set(asked)) == len(asked) == count
        assert set(asked) <= set(IDS)


def test_zipf_is_as_skewed_as_its_exponent_says() -> None:
    draws, ids = 4000, IDS[:100]
    workload = Workload(1, "zipf", seed=3)
    counts = Counter(each for (each,) in candidates(workload, draws, ids))
    total = sum(k**-EXPONENT for k in range(1, 101))
    for k, (_, count) in enumerate(counts.most_common(3), 1):
        share = k**-EXPONENT / total
        # 5 standard deviations of the binomial: a false alarm in 2 million for each
        assert abs(count - draws * share) < 5 * (draws * share * (1 - share)) ** 0.5


def test_uniform_ids_have_no_favourite() -> None:
    draws, ids = 4000, IDS[:100]
    counts = Counter(each for (each,) in candidates(Workload(1, seed=3), draws, ids))
    assert max(counts.values()) < 40 + 6 * 40**0.5  # 6 of a Poisson's: 1 in 10 million, of 100 ids


def test_popular_ids_differ_from_seed_to_seed_and_are_not_the_first() -> None:
    favourites = {
        Counter(e for (e,) in candidates(Workload(1, "zipf", seed=seed), 500)).most_common(1)[0][0]
        for seed in range(4)
    }
    assert len(favourites) > 1
    assert favourites != {IDS[0]}


@pytest.mark.parametrize(("share", "cold"), [(0, 0), (0.1, 40), (0.333, 133), (1, 400)])
def test_as_many_ids_as_said_are_cold(share: float, cold: int) -> None:
    for asked in candidates(Workload(400, "zipf", cold_share=share), 5):
        assert len(set(asked) - set(IDS)) == cold
        assert len(set(asked)) == 400


def test_cold_ids_stand_among_the_others() -> None:
    (asked,) = candidates(Workload(400, cold_share=0.5), 1)
    cold = [i for i, each in enumerate(asked) if each not in IDS]
    assert 150 < sum(cold) / len(cold) < 250  # mean place: 199.5, standard deviation 6


def test_users_fill_the_context() -> None:
    found = [json.loads(b)["context"] for b in make_bodies(Workload(2, users=3), IDS, 60)]
    assert {each["user"] for each in found} == {"u0", "u1", "u2"}  # all but 1 in 10 billion times
    assert "context" not in json.loads(make_bodies(Workload(2), IDS, 1)[0])


@pytest.mark.parametrize(
    ("workload", "what"),
    [
        (Workload(0), "candidates is 0, must be >= 1"),
        (Workload(ids="pareto"), "ids is 'pareto', must be"),
        (Workload(cold_share=1.5), r"cold_share is 1\.5, must be from 0 to 1"),
        (Workload(cold_share=float("nan")), "cold_share is nan"),
        (Workload(users=-1), "users is -1, must be >= 0"),
        (Workload(4000), "4000 distinct ids are wanted of a catalogue of 1000"),
    ],
)
def test_what_can_t_be_asked_is_refused(workload: Workload, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        make_bodies(workload, IDS, 1)


def test_a_file_holds_a_body_in_each_line(tmp_path: Path) -> None:
    workload = Workload(40, seed=5)
    bodies = Bodies.write(tmp_path / "bodies", workload, IDS)
    assert bodies.lines() == make_bodies(workload, IDS, BODIES)
