"""What contenders, stages and memory look like."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from loadtest.numbers import figure
from loadtest.report.bars import Bar, Stack, draw_bars, draw_stacks
from loadtest.report.document import Picture, Section, Table
from loadtest.report.lines import Chart, Series, draw_lines
from loadtest.report.runs import Group, Run, median
from loadtest.result import Result

__all__ = ["contenders_section", "memory_section", "stages_section"]

COLOURS = 7
LEAST_SAMPLES = 30  # that make a course of memory
MEGA = 1e6

Value = Callable[[Result], float]

QUANTITIES: tuple[tuple[str, Value], ...] = (
    ("CPU per request, \N{MICRO SIGN}s (less is better)", lambda result: result.cpu_us),
    ("Requests answered a second (more is better)", lambda result: result.throughput),
    ("p99 latency, ms (less is better)", lambda result: result.latency_ms["p99"]),
)


def contenders_section(groups: Sequence[Group]) -> Section:
    """Return the closed loops of several servers side by side, with their spread over rounds."""
    shown = [group for group in groups if group.closed_loop]
    if len({group.closed_loop[0].result.server for group in shown}) < 2:
        shown = []  # nothing to compare
    rows = [[group.name, *_figures(group)] for group in shown]
    columns = ["server", "rounds", "CPU \N{MICRO SIGN}s", "requests/s", "p50 ms", "p99 ms"]
    text = (
        "Medians of the rounds, with whiskers from the least to the most. The servers were loaded "
        "in turn, round by round, each by as many requests as it answered."
    )
    pictures = [picture for quantity in QUANTITIES for picture in _bars(*quantity, shown)]
    return Section("Contenders", text, pictures, Table(columns, rows) if rows else None)


def stages_section(groups: Sequence[Group]) -> Section:
    """Return what a request spends its time on, by the server's own account."""
    found = [(group, run.result) for group in groups for run in _staged(group)]
    stacks = [
        Stack(
            group.name, list(_micros(result).items()), f"{figure(_total(result))} \N{MICRO SIGN}s"
        )
        for group, result in found
    ]
    names = list(dict.fromkeys(name for _, result in found for name in result.stages_ms))
    rows = [
        [group.name, *(figure(_micros(r).get(name, 0.0)) for name in names), figure(_total(r))]
        for group, r in found
    ]
    text = "Mean microseconds of each stage by Server-Timing, at the highest rate that went well."
    draw = partial(draw_stacks, "Time in stages", stacks)
    pictures = [Picture("", draw)] if stacks else []
    return Section(
        "Where a request's time goes", text, pictures, Table(["server", *names, "sum"], rows)
    )


def memory_section(groups: Sequence[Group]) -> Section:
    """Return resident memory in the course of each server's longest load."""
    longest = [(group, max(group.runs, key=_length)) for group in groups]
    found = [(g, r.result) for g, r in longest if _length(r) >= LEAST_SAMPLES]
    series = [
        Series(
            group.name,
            group.number % COLOURS,
            [(sample.seconds, sample.resident_bytes / MEGA) for sample in result.samples],
        )
        for group, result in found
    ]
    rows = [[group.name, *(figure(value) for value in _course(result))] for group, result in found]
    columns = ["server", "seconds", "MB at the begin", "MB at the end", "MB at most"]
    text = "Resident memory of all processes of the server; pages that they share count in each."
    chart = Chart("Memory over time", _spoken(rows), "seconds", "MB", series)
    pictures = [Picture("", partial(draw_lines, chart))] if series else []
    return Section("Memory over time", text, pictures, Table(columns, rows))


def _bars(title: str, value: Value, groups: Sequence[Group]) -> list[Picture]:
    bars = [bar for group in groups for bar in _bar(group, value)]
    return [Picture(title, partial(draw_bars, title, bars), small=True)] if bars else []


def _bar(group: Group, value: Value) -> list[Bar]:
    values = [value(run.result) for run in group.closed_loop]
    values = [each for each in values if not math.isnan(each)]
    if not values:
        return []
    middle = median(values)
    colour = group.number % COLOURS
    return [Bar(group.name, colour, middle, min(values), max(values), figure(middle))]


def _figures(group: Group) -> list[str]:
    results = [run.result for run in group.closed_loop]
    return [
        str(len(results)),
        *(_spread([value(result) for result in results]) for _, value in QUANTITIES[:2]),
        *(_spread([result.latency_ms[name] for result in results]) for name in ("p50", "p99")),
    ]


def _spread(values: Sequence[float]) -> str:
    middle = median(values)
    if math.isnan(middle):
        return "-"
    if len(values) == 1:
        return figure(middle)
    return f"{figure(middle)} ({figure(min(values))}..{figure(max(values))})"


def _staged(group: Group) -> list[Run]:
    """Return the load of the highest throughput that met what was asked and tells its stages."""
    found = [run for run in group.runs if run.result.stages_ms and run.met]
    return sorted(found, key=lambda run: run.result.throughput)[-1:]


def _micros(result: Result) -> dict[str, float]:
    return {name: 1e3 * ms for name, ms in result.stages_ms.items()}


def _total(result: Result) -> float:
    return sum(_micros(result).values())


def _length(run: Run) -> int:
    return len(run.result.samples)


def _course(result: Result) -> tuple[float, ...]:
    memory = [sample.resident_bytes / MEGA for sample in result.samples]
    return result.samples[-1].seconds, memory[0], memory[-1], max(memory)


def _spoken(rows: Sequence[Sequence[str]]) -> str:
    return "; ".join(
        f"{name}: {begin} MB at the begin, {end} at the end" for name, _, begin, end, _ in rows
    )
