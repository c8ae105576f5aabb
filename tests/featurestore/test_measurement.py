"""Histograms, and what a hot tier says about itself."""

import math

import numpy as np
import pytest

from featurestore import Histogram, Kind, LmdbStore, Measured, Resident
from featurestore.measurement import SECONDS, counter, gauge, highest, histogram
from idcolumn import IdColumn


def test_an_observation_equal_to_a_bound_is_within_it() -> None:
    sizes = Histogram((1.0, 2.0))
    for value in (0.0, 1.0, 1.5, 2.0, 2.5, math.inf):
        sizes.observe(value)
    assert sizes.counts == [2, 2, 2]


def test_a_histogram_counts_what_numpy_counts() -> None:
    values = np.random.default_rng(3).lognormal(-7, 3, 10_000)
    times = Histogram()
    for value in values:
        times.observe(float(value))
    edges = [0, *np.nextafter(SECONDS, math.inf), math.inf]
    assert times.counts == np.histogram(values, edges)[0].tolist()
    assert times.sum == pytest.approx(values.sum())


def test_histograms_add_up_and_a_copy_is_its_own() -> None:
    one, other = Histogram((1.0,)), Histogram((1.0,))
    one.observe(0.5)
    other.observe(3.0)
    twin = one.copy()
    twin.add(other)
    assert (twin.counts, twin.sum) == ([1, 1], 3.5)
    assert (one.counts, one.sum) == ([1, 0], 0.5)
    with pytest.raises(ValueError, match="bounds"):
        one.add(Histogram((1.0, 2.0)))


@pytest.mark.parametrize("bounds", [(), (1.0, 1.0), (2.0, 1.0), (math.nan,), (1.0, math.inf)])
def test_bounds_that_are_not_finite_and_ascending_are_refused(bounds) -> None:
    with pytest.raises(ValueError, match="bounds"):
        Histogram(bounds)


def test_a_figure_is_written_in_one_line() -> None:
    made = [kind("rows", "Rows.", 1.0, table="a") for kind in (counter, gauge, highest)]
    assert [m.kind for m in made] == [Kind.COUNTER, Kind.GAUGE, Kind.HIGHEST]
    assert {m.labels for m in made} == {(("table", "a"),)}
    assert histogram("seconds", "Time.", Histogram()).kind is Kind.HISTOGRAM


@pytest.mark.anyio
async def test_a_hot_tier_is_measured(tmp_path) -> None:
    features = ("alpha", "beta")
    with LmdbStore.open(tmp_path) as store:
        store.write("content", ["a", "b", "c"], features, np.ones((3, 2)))
    tier = Resident(LmdbStore.open(tmp_path, readonly=True), max_rows=2)
    assert isinstance(tier, Measured)
    try:
        await tier.fill()
        await tier.fetch("content", IdColumn.from_list(["a", "b", "c"]), features, math.inf)
        figures = {m.name: m.value for m in tier.measurements()}
    finally:
        await tier.close()
    assert 0 <= figures.pop("hot_tier_lag_seconds") < 60
    assert figures.pop("hot_tier_bytes") > 0
    assert figures == {
        "hot_tier_hits": 2,
        "hot_tier_misses": 1,
        "hot_tier_refreshed_rows": 0,
        "hot_tier_rows": 2,
        "hot_tier_not_resident_rows": 1,
        "store_errors": 0,
    }
