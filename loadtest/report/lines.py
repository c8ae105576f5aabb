"""Line charts with dots for what was measured, labelled where the lines end."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.numbers import brief
from loadtest.report.elements import Element, tag
from loadtest.report.labels import shortened, text_width
from loadtest.report.scale import Scale, linear, logarithmic

__all__ = ["Chart", "Mark", "Series", "draw_lines"]

TOP, BOTTOM, LEFT = 30, 44, 46
APART, BESIDE = 14, 110  # pixels between two labels, down, where they are so close across
RADIUS = 2.6

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """A line through points, and dots of single measurements.

    Attributes
    ----------
    colour : int
        0 to 7, of the page's palette.
    failed : sequence of points
        Dots that are hollow, of loads that didn't meet what was asked.
    """

    name: str
    colour: int
    line: Sequence[Point]
    dots: Sequence[Point] = ()
    failed: Sequence[Point] = ()

    @property
    def points(self) -> list[Point]:
        """All that must be in the picture."""
        return [*self.line, *self.dots, *self.failed]


@dataclass(frozen=True, slots=True)
class Mark:
    """A value on an axis with its label; `until` makes a band of it."""

    value: float
    label: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn: series over an axis each, with their units in the titles.

    Attributes
    ----------
    level, border : Mark or None
        On the y axis and on the x axis.
    frame : sequence of points
        Further points to hold, so that charts side by side have the same axes.
    """

    title: str
    alternative: str
    x_title: str
    y_title: str
    series: Sequence[Series]
    log: bool = False
    level: Mark | None = None
    border: Mark | None = None
    frame: Sequence[Point] = ()


def draw_lines(chart: Chart, width: float, height: float = 280) -> Element:
    """Return the chart as SVG of a size in pixels."""
    points = [point for series in chart.series for point in series.points] + [*chart.frame]
    right = min(max(text_width(series.name) for series in chart.series) + 12, width / 3)
    ys = [y for _, y in points] + ([chart.level.value] if chart.level else [])
    x = linear((point[0] for point in points), LEFT, width - right, 4 if width < 500 else 6)
    y = (logarithmic if chart.log else linear)(ys, height - BOTTOM, TOP)
    return tag(
        "svg",
        *_grid(x, y, chart),
        *_border(chart.border, x, y),
        *_level(chart.level, x, y),
        *(_line(series, x, y) for series in chart.series),
        *(dot for series in chart.series for dot in _dots(series, x, y)),
        *_labels(chart.series, x, y, right),
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_label=f"{chart.title}. {chart.alternative}",
    )


def _grid(x: Scale, y: Scale, chart: Chart) -> list[Element]:
    rows = [
        element
        for tick in y.ticks
        for element in (
            tag("line", x1=x.begin, x2=x.end, y1=y(tick), y2=y(tick), class_="grid"),
            tag("text", brief(tick), x=x.begin - 7, y=y(tick) + 4, class_="tick end"),
        )
    ]
    columns = [
        tag("text", brief(tick), x=x(tick), y=y.begin + 17, class_="tick middle")
        for tick in x.ticks
    ]
    base = tag("line", x1=x.begin, x2=x.end, y1=y.begin, y2=y.begin, class_="base")
    titles = [
        tag("text", chart.y_title, x=0, y=14, class_="axis"),
        tag("text", chart.x_title, x=x.end, y=y.begin + 35, class_="axis end"),
    ]
    return [*rows, *columns, base, *titles]


def _level(mark: Mark | None, x: Scale, y: Scale) -> list[Element]:
    if mark is None:
        return []
    at = y(mark.value)
    return [
        tag("line", x1=x.begin, x2=x.end, y1=at, y2=at, class_="mark"),
        tag("text", mark.label, x=x.begin + 5, y=at - 5, class_="note"),
    ]


def _border(mark: Mark | None, x: Scale, y: Scale) -> list[Element]:
    if mark is None or not x.holds(mark.value):
        return []
    at, until = x(mark.value), x(min(mark.until or mark.value, x.high))
    middle, height = (at + until) / 2, y.begin - y.end
    return [
        tag("rect", x=at, y=y.end, width=max(until - at, 1), height=height, class_="band"),
        tag("text", mark.label, x=min(middle, x.end), y=y.end - 5, class_="note end"),
    ]


def _line(series: Series, x: Scale, y: Scale) -> Element:
    path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in series.line)
    return tag("polyline", points=path, class_=f"line s{series.colour}")


def _dots(series: Series, x: Scale, y: Scale) -> list[Element]:
    kinds = (("dot", series.dots), ("hollow", series.failed))
    return [
        tag("circle", cx=x(a), cy=y(b), r=RADIUS, class_=f"{kind} s{series.colour}")
        for kind, points in kinds
        for a, b in points
    ]


def _labels(series: Sequence[Series], x: Scale, y: Scale, right: float) -> list[Element]:
    """Return names at the ends of the lines, moved apart where they would overlap."""
    placed: list[Point] = []
    labels = []
    for each in sorted(series, key=lambda each: y(each.line[-1][1])):
        at, wanted = x(each.line[-1][0]) + 8, y(each.line[-1][1]) + 4
        beside = [down + APART for across, down in placed if abs(across - at) < BESIDE]
        placed.append((at, max([wanted, *beside])))
        shape = f"label s{each.colour}"
        text = tag(
            "text", shortened(each.name, x.end + right - at), x=at, y=placed[-1][1], class_=shape
        )
        labels.append(text)
    return labels
