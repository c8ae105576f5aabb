"""A sizing in words."""

import math

from loadtest.result import Result
from loadtest.sizing.fleet import METHOD
from loadtest.sizing.objective import Step
from loadtest.sizing.sizing import Sizing

__all__ = ["describe", "progress_line"]


def progress_line(step: Step) -> str:
    """Say what a load showed."""
    result, effort = step.result, step.effort
    p99 = result.latency_ms["p99"]
    used = "" if math.isnan(result.cores) else f", server {result.cores:.2f} cores"
    generator = f"generator {effort.cores:.2f} and waited for {effort.waited:.2f}"
    others = f", others {effort.others:.2f}"
    return f"{step.rate:,.0f} a second: {step.verdict}, p99 {p99:.1f} ms{used}, {generator}{others}"


def describe(sizing: Sizing, verification: Result) -> str:
    """Say what a node bears, why not more, and what fleet serves the target."""
    return "\n".join([*_node(sizing, verification), *_fleet(sizing, verification)])


def _node(sizing: Sizing, verification: Result) -> list[str]:
    knee, objective = sizing.knee, sizing.objective
    candidates = verification.workload.candidates
    bears = "bears" if sizing.conclusive else "bears at least"
    budget = f"errors <= {objective.error_budget:.3%}"
    latency = f"{objective.quantile} <= {objective.latency_ms:g} ms"
    requests = f"{knee.value:,.0f} requests a second{_between(sizing)}"
    predictions = f"{knee.value * candidates:,.0f} predictions a second"
    return [
        f"{verification.server}, {candidates} candidates, {latency}, {budget}",
        f"a node {bears} {requests}: {predictions}",
        f"limited by {sizing.limit}: {sizing.words}",
        _verification(sizing, verification),
    ]


def _verification(sizing: Sizing, result: Result) -> str:
    quantile, fleet = sizing.objective.quantile, sizing.fleet
    rate = f"{fleet.node_rps:,.0f} a second, with {fleet.headroom:.0%} headroom"
    measured = f"{quantile} {result.latency_ms[quantile]:.1f} ms, errors {result.error_share:.3%}"
    verdict = "verified" if sizing.verified else f"NOT verified: {sizing.verdicts[-1]}"
    return f"at {rate}: {measured}, {_cpu(result)}: {verdict}"


def _between(sizing: Sizing) -> str:
    knee = sizing.knee
    if knee.low is None or knee.high is None:
        return " (one search: no interval)"
    return f" ({knee.low:,.0f}..{knee.high:,.0f} by {knee.times} searches; {METHOD})"


def _cpu(result: Result) -> str:
    if math.isnan(result.cpu_us):
        return "CPU unknown"
    return f"{result.cpu_us:.0f} us of CPU a request"


def _fleet(sizing: Sizing, verification: Result) -> list[str]:
    fleet, between = sizing.fleet, sizing.nodes_between
    predictions = fleet.target_rps * verification.workload.candidates
    interval = f" (interval {between[0]}..{between[1]})" if between else ""
    target = f"{predictions:,.0f} predictions a second, {fleet.target_rps:,.0f} requests"
    count = f"{fleet.nodes - fleet.spare} nodes and {fleet.spare} spare = {fleet.nodes}{interval}"
    return [f"fleet for {target}: {count}", f"cost: {fleet.cost}"]
