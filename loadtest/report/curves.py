"""What changes with the rate: latency, throughput, CPU."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from loadtest.numbers import figure, grouped
from loadtest.report.document import Picture, Section, Table
from loadtest.report.lines import Chart, Mark, Point, Series, draw_lines
from loadtest.report.runs import Group, Run, median
from loadtest.result import Result
from loadtest.sizing.sizing import Sizing

__all__ = ["cpu_section", "latency_section", "throughput_section"]

QUANTILES = ("p50", "p99", "p99.9")
CLOSE = 1.04  # rates within this factor are one point of a line
RATE = "requests a second"
GREY = 7
COLOURS = 7

Value = Callable[[Result], float]


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is drawn against the rate."""

    title: str
    axis: str
    value: Value
    column: str


THROUGHPUT = Quantity(
    "Throughput against rate", "answered a second", lambda r: r.throughput, "answered/s"
)
CORES = Quantity("CPU against rate", "cores busy", lambda r: r.cores, "cores")


def latency_section(groups: Sequence[Group], sizings: Sequence[tuple[str, Sizing]]) -> Section:
    """Return one chart of percentiles for each server, on the same axes."""
    shown = list(_shown(groups, lambda result: result.latency_ms["p50"]))
    frame = [point for group in shown for point in _frame(group)] if len(shown) > 1 else []
    by_server = dict(sizings)
    pictures = [_latency(group, by_server, frame, small=len(shown) > 1) for group in shown]
    rows = [
        [group.name, *_cells(run.result, *(figure(run.result.latency_ms[q]) for q in QUANTILES))]
        for group in shown
        for run in group.open_loop
    ]
    text = (
        "Milliseconds from the planned send time, on a logarithmic axis. A dot is one load, "
        "hollow where it broke the objective or had errors; a line joins the medians."
    )
    table = Table(["server", "planned/s", "sent/s", *(f"{q} ms" for q in QUANTILES)], rows)
    return Section("Latency against rate", text, pictures, table, folded=True)


def throughput_section(groups: Sequence[Group]) -> Section:
    """Return the requests answered at each planned rate."""
    text = "Answers of status 200. Where a line leaves the dashed one, requests fail or queue."
    return _section(THROUGHPUT, groups, text, planned=True)


def cpu_section(groups: Sequence[Group]) -> Section:
    """Return the cores that the server kept busy at each planned rate."""
    text = "User and system time of the server's processes over the time of the load."
    return _section(CORES, groups, text, planned=False)


def _latency(
    group: Group, sizings: dict[str, Sizing], frame: Sequence[Point], *, small: bool
) -> Picture:
    runs = group.open_loop
    series = [
        _series(name, colour, runs, lambda result, name=name: result.latency_ms[name])  # type: ignore[misc]
        for colour, name in enumerate(QUANTILES)
    ]
    level, border = _marks(sizings.get(runs[0].result.server))
    best = runs[-1].result
    spoken = f"p99 is {figure(runs[0].result.latency_ms['p99'])} ms at {_rate(runs[0].result)}"
    spoken += f" and {figure(best.latency_ms['p99'])} ms at {_rate(best)}"
    chart = Chart(
        f"Latency of {group.name}", spoken, RATE, "ms", series, True, level, border, frame
    )
    return Picture(group.name, partial(draw_lines, chart), small)


def _marks(sizing: Sizing | None) -> tuple[Mark | None, Mark | None]:
    if sizing is None:
        return None, None
    objective, knee = sizing.objective, sizing.knee
    level = Mark(objective.latency_ms, f"{objective.quantile} at most {objective.latency_ms:g} ms")
    low, high = (knee.low or knee.value), (knee.high or knee.value)
    return level, Mark(low, f"knee {grouped(knee.value)}", high)


def _frame(group: Group) -> Iterator[Point]:
    for run in group.open_loop:
        for name in QUANTILES:
            yield _rate_of(run.result), run.result.latency_ms[name]


def _section(quantity: Quantity, groups: Sequence[Group], text: str, *, planned: bool) -> Section:
    shown = list(_shown(groups, quantity.value))
    series = [
        _series(group.name, group.number % COLOURS, group.open_loop, quantity.value)
        for group in shown
    ]
    if planned and shown:
        top = max(_rate_of(run.result) for group in shown for run in group.open_loop)
        series.append(Series("as planned", GREY, [(0, 0), (top, top)]))
    rows = [
        [group.name, *_cells(run.result, figure(quantity.value(run.result)))]
        for group in shown
        for run in group.open_loop
    ]
    spoken = "; ".join(_highest(group, quantity) for group in shown)
    chart = Chart(quantity.title, spoken, RATE, quantity.axis, series)
    pictures = [Picture("", partial(draw_lines, chart))] if shown else []
    table = Table(["server", "planned/s", "sent/s", quantity.column], rows)
    return Section(quantity.title, text, pictures, table, folded=True)


def _highest(group: Group, quantity: Quantity) -> str:
    most = max(quantity.value(run.result) for run in group.open_loop)
    return f"{group.name}: at most {figure(most)} {quantity.axis}"


def _shown(groups: Sequence[Group], value: Value) -> Iterator[Group]:
    """Give the groups that were loaded at two rates at least, where the value is known."""
    for group in groups:
        known = [run for run in group.open_loop if not math.isnan(value(run.result))]
        if len({run.result.planned_rate for run in known}) > 1:
            yield group


def _series(name: str, colour: int, runs: Sequence[Run], value: Value) -> Series:
    points = [(_rate_of(run.result), value(run.result)) for run in runs]
    met = [point for point, run in zip(points, runs, strict=True) if run.met]
    broken = [point for point, run in zip(points, runs, strict=True) if not run.met]
    return Series(name, colour, list(_joined(points)), met, broken)


def _joined(points: Sequence[Point]) -> Iterator[Point]:
    """Give the medians of points whose rates are close together."""
    near: list[Point] = []
    for point in points:
        if near and point[0] > CLOSE * near[0][0]:
            yield _middle(near)
            near = []
        near.append(point)
    if near:
        yield _middle(near)


def _middle(points: Sequence[Point]) -> Point:
    return median([x for x, _ in points]), median([y for _, y in points])


def _cells(result: Result, *figures: str) -> list[str]:
    return [grouped(_rate_of(result)), grouped(result.sent_rate), *figures]


def _rate(result: Result) -> str:
    return f"{grouped(_rate_of(result))} {RATE}"


def _rate_of(result: Result) -> float:
    return result.planned_rate or result.sent_rate
