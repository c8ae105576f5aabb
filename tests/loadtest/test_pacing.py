"""The pure parts of the open-loop load."""

import numpy as np
import pytest

from loadtest.pacing import planned, quantiles


def test_send_times_are_even_and_keep_to_the_rate() -> None:
    times = planned(40.0, 10.0)
    assert len(times) == 400
    assert times[0] == 0.0
    np.testing.assert_allclose(np.diff(times), 0.025, rtol=1e-9)
    assert times[-1] < 10.0


@pytest.mark.parametrize(("rate", "seconds", "count"), [(3.0, 0.5, 2), (0.5, 1.0, 1), (7, 1, 7)])
def test_every_send_time_is_before_the_end(rate: float, seconds: float, count: int) -> None:
    times = planned(rate, seconds)
    assert len(times) == count
    assert (times < seconds).all()


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (-1, 1), (1, 0), (np.nan, 1), (1, np.inf)])
def test_a_load_without_end_or_rate_is_refused(rate: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="must be finite and > 0"):
        planned(rate, seconds)


def test_a_quantile_is_one_of_the_values_and_so_many_reach_it() -> None:
    found = quantiles(range(1, 1001))
    assert found == {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p99.9": 999, "max": 1000}
    assert set(quantiles([7.0]).values()) == {7.0}
    assert quantiles([]) == {}
