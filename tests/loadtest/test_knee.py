"""The search for the knee, over nodes that are functions."""

from dataclasses import replace

import pytest

from loadtest.result import Result, Workload
from loadtest.sizing.knee import NoKnee, Search, find_knee
from loadtest.sizing.limit import Limit, Room, find_limit
from loadtest.sizing.objective import Effort, Objective, Step, Verdict

OBJECTIVE = Objective()
IDLE = Effort(0.2)


def outcome(
    rate: float = 1_000.0,
    *,
    sent: int = 2_000,
    errors: int = 0,
    latency_ms: float = 5.0,
    cores: float = 1.0,
    store: float = 0.0,
    stages: dict[str, float] | None = None,
) -> Result:
    """A load of 2 seconds."""
    return Result(
        server="predict",
        driver="python",
        workload=Workload(),
        planned_rate=rate,
        seconds=2.0,
        sent=sent,
        answered=sent - errors,
        errors={"429": errors} if errors else {},
        latency_ms={"p50": 1.0, "p99": latency_ms},
        cpu_seconds=2 * cores,
        store_cpu_seconds=2 * store,
        stages_ms=stages or {},
    )


def step(result: Result, effort: Effort = IDLE) -> Step:
    return Step(result, effort, OBJECTIVE.judge(result, effort))


def node(capacity: float, generator: float = 1e9) -> Search:
    """Search a node that is slow above its capacity, by a generator that has an end too."""

    def load(rate: float) -> Step:
        sent = min(rate, generator)
        latency = 500.0 if sent > capacity else 5.0
        result = outcome(rate, sent=round(2 * sent) + 1, latency_ms=latency)
        return step(result, Effort(sent / generator))

    return find_knee(load, start=100, precision=0.05)


@pytest.mark.parametrize("capacity", [30, 99, 101, 1_000, 47_000])
def test_the_knee_is_found_within_the_precision(capacity: float) -> None:
    search = node(capacity)
    assert search.passed.rate <= capacity < search.broken.rate <= 1.05 * search.passed.rate
    assert search.conclusive
    assert len(search.steps) < 20


def test_a_search_that_ends_at_the_generator_says_so() -> None:
    search = node(capacity=10_000, generator=1_500)
    assert not search.conclusive
    assert search.broken.verdict is Verdict.INCONCLUSIVE
    assert 1_400 < search.passed.rate < 1_600
    limit, words = find_limit(search.broken, Room(2, shared=True), OBJECTIVE)
    assert limit is Limit.GENERATOR
    assert "it sent 1500 of" in words


def test_a_node_without_end_or_without_use_has_no_knee() -> None:
    with pytest.raises(NoKnee, match="requests a second still met the objective"):
        node(1e12)
    with pytest.raises(NoKnee, match="broke the objective: latency"):
        node(0.5)


def test_verdicts() -> None:
    busy, idle = Effort(0.6, waited=0.4), IDLE
    assert OBJECTIVE.judge(outcome(), idle) is Verdict.MET
    assert OBJECTIVE.judge(outcome(), busy) is Verdict.MET
    assert OBJECTIVE.judge(outcome(errors=2), idle) is Verdict.MET
    assert OBJECTIVE.judge(outcome(errors=3), idle) is Verdict.ERRORS
    assert OBJECTIVE.judge(outcome(latency_ms=101), idle) is Verdict.LATENCY
    assert OBJECTIVE.judge(outcome(latency_ms=float("nan")), idle) is Verdict.LATENCY
    assert OBJECTIVE.judge(outcome(sent=1_900), busy) is Verdict.INCONCLUSIVE
    assert OBJECTIVE.judge(outcome(sent=1_900), idle) is Verdict.LATENCY
    late = replace(outcome(latency_ms=101), sent_late_ms={"p99": 90.0})
    assert OBJECTIVE.judge(late, busy) is Verdict.INCONCLUSIVE
    assert OBJECTIVE.judge(late, idle) is Verdict.LATENCY
    waiting = replace(outcome(sent=1_900), errors={"not sent": 100})
    assert OBJECTIVE.judge(waiting, idle) is Verdict.LATENCY
    assert OBJECTIVE.judge(outcome(sent=0), idle) is Verdict.INCONCLUSIVE


def test_a_burst_of_somebody_elses_is_no_end_of_the_node() -> None:
    loads: list[float] = []

    def load(rate: float) -> Step:
        loads.append(rate)
        slow = rate > 1_000 or len(loads) in (2, 6)
        return step(outcome(rate, sent=round(2 * rate) + 1, latency_ms=500 if slow else 5))

    assert find_knee(load, start=100).passed.rate > 900


def test_a_crowded_machine_is_named() -> None:
    crowded = step(outcome(latency_ms=500, cores=0.4), Effort(0.2, 0.1, others=1.2))
    limit, words = find_limit(crowded, Room(2, shared=True), OBJECTIVE)
    assert limit is Limit.OTHERS
    assert "they kept 1.20 cores busy" in words


@pytest.mark.parametrize(
    ("result", "limit"),
    [
        (outcome(latency_ms=500, cores=1.8), Limit.SERVER),
        (outcome(latency_ms=500, cores=1.5), Limit.SHARED),
        (outcome(latency_ms=500, cores=0.5), Limit.LATENCY),
        (outcome(errors=100, cores=0.5), Limit.ERRORS),
        (outcome(latency_ms=500, cores=0.5, store=0.95), Limit.STORE),
        (outcome(latency_ms=500, stages={"features": 90.0, "score": 1.0}, cores=0.5), Limit.STORE),
    ],
    ids=str,
)
def test_the_limit_is_what_was_busy(result: Result, limit: Limit) -> None:
    found, words = find_limit(step(result), Room(2, shared=True), OBJECTIVE)
    assert found is limit
    assert f"{result.cores:.2f} of 2 cores" in words
