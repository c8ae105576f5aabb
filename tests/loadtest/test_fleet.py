"""Arithmetic of the fleet, by figures that can be checked by hand."""

import math

import pytest

from loadtest.sizing.fleet import Fleet, estimate, nodes


def test_the_published_figures_make_nineteen_nodes_of_eighty() -> None:
    target = 80 * 192
    assert nodes(target, 192) == 80
    assert nodes(target, 819) == 19
    assert Fleet(target, 819, headroom=0, spare=0).nodes == 19


def test_headroom_is_left_on_every_node_and_spare_ones_come_on_top() -> None:
    fleet = Fleet(target_rps=7_500, knee_rps=1_000, headroom=0.3, spare=1, node_price=0.2)
    assert fleet.node_rps == pytest.approx(700)
    assert fleet.nodes == 11 + 1
    assert fleet.price_an_hour == pytest.approx(2.4)
    assert fleet.price_a_month == pytest.approx(2.4 * 730)


@pytest.mark.parametrize(("target", "node"), [(700, 7), (0.3, 0.1), (4.9, 0.7)])
def test_rounding_of_floats_adds_no_node(target: float, node: float) -> None:
    assert nodes(target, node) == round(target / node)


def test_a_little_more_than_the_nodes_bear_needs_one_more() -> None:
    assert nodes(700.1, 7) == 101
    assert nodes(0.001, 7) == 1


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf])
def test_rates_that_are_none_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="node_rps is"):
        nodes(100, bad)
    with pytest.raises(ValueError, match="target_rps is"):
        nodes(bad, 100)


def test_the_interval_is_students_on_the_logarithm_and_holds_the_search_step() -> None:
    found = estimate([90, 100, 1000 / 9], [99, 110, 1100 / 9])
    assert found.value == pytest.approx(100)
    margin = 4.303 * math.log(10 / 9) / math.sqrt(3)
    assert found.low == pytest.approx(100 * math.exp(-margin))
    assert found.high == pytest.approx(110 * math.exp(margin))


def test_searches_that_agree_leave_the_step_of_the_search() -> None:
    found = estimate([100, 100], [105, 105])
    assert (found.low, found.high) == (pytest.approx(100), pytest.approx(105))


def test_one_search_gives_no_interval() -> None:
    found = estimate([100], [105])
    assert (found.value, found.low, found.high) == (pytest.approx(100), None, None)


def test_no_search_and_too_many_are_refused() -> None:
    for count in (0, 11):
        with pytest.raises(ValueError, match=f"{count} knees"):
            estimate([100] * count, [105] * count)
