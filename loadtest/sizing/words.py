"""A sizing in words."""

import math

from loadtest.numbers import figure, grouped, in_words, share
from loadtest.result import Result
from loadtest.sizing.fleet import METHOD
from loadtest.sizing.objective import Step
from loadtest.sizing.sizing import Sizing

__all__ = ["describe", "progress_line", "sizing_facts"]


def progress_line(step: Step) -> str:
    """Say what a load showed."""
    result, effort = step.result, step.effort
    p99 = result.latency_ms["p99"]
    used = "" if math.isnan(result.cores) else f", server {result.cores:.2f} cores"
    generator = f"generator {effort.cores:.2f} and waited for {effort.waited:.2f}"
    others = f", others {effort.others:.2f}"
    return f"{step.rate:,.0f} a second: {step.verdict}, p99 {p99:.1f} ms{used}, {generator}{others}"


def describe(sizing: Sizing, verification: Result) -> str:
    """Say what a node bears, why not more, and what fleet serves the target; a fact a line."""
    candidates = f"{verification.workload.candidates} candidates"
    facts = sizing_facts(sizing, verification)
    lines = (f"{name:17}{fact}" for name, fact in facts.items())
    return "\n".join([f"{verification.server}, {candidates}", *lines, f"intervals: {METHOD}"])


def sizing_facts(sizing: Sizing, verification: Result) -> dict[str, str]:
    """Return the facts of a sizing by their names.

    Parameters
    ----------
    verification : Result
        The load at the rate that the fleet gives a node.
    """
    fleet, between, objective = sizing.fleet, sizing.nodes_between, sizing.objective
    spread = f", {_range(*between)} by the interval" if between else ""
    budget = f"errors at most {share(objective.error_budget)}"
    predictions = in_words(fleet.target_rps * verification.workload.candidates)
    return {
        "objective": f"{objective.quantile} at most {objective.latency_ms:g} ms, {budget}",
        "a node bears": _bears(sizing, verification.workload.candidates),
        "what limits it": f"{sizing.limit}: {sizing.words}",
        "a node is given": f"{grouped(fleet.node_rps)} a second, {share(fleet.headroom)} left free",
        "measured there": _measured(sizing, verification),
        "target": f"{predictions} predictions a second, {grouped(fleet.target_rps)} requests",
        "nodes": f"{fleet.nodes}, of which {fleet.spare} spare{spread}",
        "cost": fleet.cost,
    }


def _bears(sizing: Sizing, candidates: int) -> str:
    knee, least = sizing.knee, "" if sizing.conclusive else "at least "
    rate = f"{least}{grouped(knee.value)} requests a second"
    predictions = f"{in_words(knee.value * candidates)} predictions"
    if knee.low is None or knee.high is None:
        return f"{rate}, {predictions}; found once, so without an interval"
    interval = f"{grouped(knee.low)} to {grouped(knee.high)} by {knee.times} searches"
    return f"{rate}, {predictions}; {interval}"


def _measured(sizing: Sizing, result: Result) -> str:
    quantile = sizing.objective.quantile
    latency = f"{quantile} {figure(result.latency_ms[quantile])} ms"
    verdict = "objective kept" if sizing.verified else f"failed by {sizing.verdicts[-1]}"
    return f"{latency}, errors {share(result.error_share)}, {_cpu(result)}: {verdict}"


def _range(least: int, most: int) -> str:
    return f"{least} to {most}" if most > least else f"exactly {least}"


def _cpu(result: Result) -> str:
    if math.isnan(result.cpu_us):
        return "CPU not seen"
    return f"{figure(result.cpu_us)} \N{MICRO SIGN}s of CPU a request"
