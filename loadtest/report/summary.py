"""The sections in words: the fleet, every load, machines and commands."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loadtest.numbers import brief, figure, grouped, in_words
from loadtest.report.document import Section, Table, Tile
from loadtest.report.runs import File, Group, failed, median
from loadtest.result import Result
from loadtest.sizing.fleet import METHOD
from loadtest.sizing.sizing import Sizing
from loadtest.sizing.words import sizing_facts

__all__ = ["about_section", "every_load_section", "failures_section", "fleet_section", "headline"]

FEW = 12  # rows that need not be folded


def headline(files: Sequence[File], groups: Sequence[Group]) -> tuple[str, list[Tile]]:
    """Return the sentence and the figures that stand above all else."""
    sized = [file for file in files if file.sizing]
    if sized and sized[0].sizing:
        return _sized(sized[0].sizing, sized[0].results[-1])
    results = [run.result for group in groups for run in group.runs if not failed(run.result)]
    if not results:
        return "No load succeeded.", []
    best = max(results, key=lambda result: result.throughput)
    cpu = [result.cpu_us for result in results if result.server == best.server]
    tiles = [
        Tile(grouped(best.throughput), "requests/s", "answered by one node"),
        Tile(brief(best.predictions_per_s), "predictions/s", "scored by one node"),
        Tile(figure(best.latency_ms["p99"]), "ms", "p99 at that rate"),
    ]
    if not math.isnan(median(cpu)):
        tiles.append(Tile(figure(median(cpu)), "\N{MICRO SIGN}s", "of CPU a request"))
    text = f"{best.server} answered up to {grouped(best.throughput)} requests a second."
    return text, tiles


def fleet_section(files: Sequence[File]) -> Section:
    """Return the nodes and the cost for the target of each sizing, a column each."""
    sized = [(file.results[-1], file.sizing) for file in files if file.sizing]
    columns = ["", *(result.server for result, _ in sized)]
    facts = [sizing_facts(sizing, result) for result, sizing in sized]
    rows = [[name, *(each[name] for each in facts)] for name in facts[0]] if facts else []
    text = f"Interval: {METHOD}." if facts else ""
    return Section("The fleet", text, (), Table(columns, rows))


def every_load_section(groups: Sequence[Group]) -> Section:
    """Return the percentiles and counts of every load."""
    columns = ["server", "planned/s", "answered/s", "p50 ms", "p90", "p99", "p99.9", "max"]
    columns += ["CPU \N{MICRO SIGN}s", "cores", "MB", "errors"]
    rows = [_load_row(group.name, run.result) for group in groups for run in group.runs]
    text = "Latency in milliseconds; \N{EM DASH} is what the driver, or its machine, can't see."
    return Section("Every load", text, (), Table(columns, rows), folded=len(rows) > FEW)


def failures_section(files: Sequence[File], groups: Sequence[Group]) -> Section:
    """Return what failed, or could not take part."""
    rows = [
        [group.name, "failed: " + (_errors(run.result) or "nothing was answered")]
        for group in groups
        for run in group.runs
        if failed(run.result)
    ]
    rows += [[str(name), "not measured"] for file in files for name in file.about.get("absent", ())]
    return Section("Failed", "These have no figures.", (), Table(["server", "what happened"], rows))


def about_section(files: Sequence[File]) -> Section:
    """Return machine, versions, time and command; what several files share stands once."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in files:
        for fact in _facts(file.about):
            found.setdefault(fact, []).append(file.path.name)
    rows = [
        [name, text, "all" if len(paths) == len(files) else ", ".join(paths)]
        for (name, text), paths in sorted(found.items(), key=lambda each: _rank(each[0][0]))
    ]
    return Section("How it was measured", "", (), Table(["what", "is", "files"], rows))


def _rank(name: str) -> int:
    """Return the place of a fact: commands first, then times, then what they share."""
    return ("command", "time", name).index(name)


def _sized(sizing: Sizing, result: Result) -> tuple[str, list[Tile]]:
    fleet, knee = sizing.fleet, sizing.knee
    least = "" if sizing.conclusive else "at least "
    predictions = fleet.target_rps * result.workload.candidates
    candidates = f"{result.workload.candidates} candidates each"
    bears = f"{least}{grouped(knee.value)} requests a second of {candidates}"
    serve = f"serve {in_words(predictions)} predictions a second"
    text = f"{fleet.nodes} nodes of {result.server} {serve}: one bears {bears}"
    text += f", and is given {grouped(fleet.node_rps)}. {_verified(sizing, result)}"
    if not sizing.verified:
        text = f"Not verified: {fleet.nodes} nodes would {serve} if one bore {bears}"
        text += f", but {_verified(sizing, result)}"
    tiles = [
        Tile(
            str(fleet.nodes),
            "nodes",
            f"for {brief(predictions)} predictions/s, {fleet.spare} spare{_doubt(sizing)}",
        ),
        Tile(
            f"{fleet.currency}{grouped(fleet.price_a_month)}",
            "a month",
            f"at {fleet.currency}{fleet.node_price:,.2f} a node and hour",
        ),
        Tile(grouped(knee.value), "/s", f"requests that one node bears{least and ', at least'}"),
        Tile(figure(result.latency_ms["p99"]), "ms", f"p99 at {grouped(fleet.node_rps)} a second"),
    ]
    if not math.isnan(result.cpu_us):
        tiles.append(Tile(figure(result.cpu_us), "\N{MICRO SIGN}s", "of CPU a request"))
    return text, tiles


def _verified(sizing: Sizing, result: Result) -> str:
    quantile, rate = sizing.objective.quantile, grouped(sizing.fleet.node_rps)
    if sizing.verified:
        return f"At that rate {quantile} was {figure(result.latency_ms[quantile])} ms."
    return f"at {rate} a second it failed by {sizing.verdicts[-1]}."


def _doubt(sizing: Sizing) -> str:
    return "" if sizing.verified else "; not verified"


def _load_row(name: str, result: Result) -> list[str]:
    planned = grouped(result.planned_rate) if result.planned_rate else "as many as go"
    memory = figure(result.resident_bytes / 1e6) if result.samples else "\N{EM DASH}"
    if failed(result):
        return [name, planned, "failed", *["\N{EM DASH}"] * 8, _errors(result) or "no answer"]
    quantiles = ("p50", "p90", "p99", "p99.9", "max")
    latencies = [_number(result.latency_ms.get(name, math.nan)) for name in quantiles]
    cpu = [_number(result.cpu_us), _number(result.cores)]
    return [
        name,
        planned,
        grouped(result.throughput),
        *latencies,
        *cpu,
        memory,
        _errors(result) or "0",
    ]


def _number(value: float) -> str:
    return "\N{EM DASH}" if math.isnan(value) else figure(value)


def _errors(result: Result) -> str:
    return ", ".join(
        f"{grouped(count)} \N{MULTIPLICATION SIGN} {k}" for k, count in result.errors.items()
    )


def _facts(about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give what is said of machine, versions, time and command, each on a line."""
    for name in ("command", "time"):
        if name in about:
            yield name, str(about[name])
    for name in ("machine", "versions"):
        for key, value in about.get(name, {}).items():
            text = f"{value / 2**30:.1f} GiB" if key == "memory_bytes" else str(value)
            yield key.removesuffix("_bytes"), text
