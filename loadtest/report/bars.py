"""Bar charts that lie: one quantity of several servers, or a time made of parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.numbers import brief
from loadtest.report.elements import Element, tag
from loadtest.report.labels import shortened, text_width
from loadtest.report.scale import Scale, linear

__all__ = ["Bar", "Stack", "draw_bars", "draw_stacks"]

ROW, THICK, NAME = 50, 18, 15
HEAD, FOOT = 8, 26
VALUE = 92  # pixels for the figure at a bar's end
PALETTE = 8
SQUARE, LINE = 15, 20  # of the key


@dataclass(frozen=True, slots=True)
class Bar:
    """The median of a server's rounds and its figure in words, from the least to the most."""

    name: str
    colour: int
    value: float
    low: float
    high: float
    text: str


@dataclass(frozen=True, slots=True)
class Stack:
    """A time and the parts that it is made of."""

    name: str
    parts: Sequence[tuple[str, float]]
    text: str


def draw_bars(title: str, bars: Sequence[Bar], width: float) -> Element:
    """Return bars with whiskers as SVG, each under its name."""
    height = HEAD + ROW * len(bars) + FOOT
    x = linear((bar.high for bar in bars), 1, width - VALUE, 4)
    rows = [element for i, bar in enumerate(bars) for element in _bar(bar, x, HEAD + ROW * i)]
    spoken = "; ".join(f"{bar.name}: {bar.text}" for bar in bars)
    return _svg(title, spoken, width, height, [*_axis(x, height, HEAD), *rows])


def draw_stacks(title: str, stacks: Sequence[Stack], width: float) -> Element:
    """Return stacked bars as SVG; a key names the parts where one is too narrow for its name."""
    totals = [sum(size for _, size in stack.parts) for stack in stacks]
    x = linear(totals, 1, width - VALUE, 4)
    colours = {name: i for i, name in enumerate(_names(stacks))}
    fits = all(_fits(*part, x) for stack in stacks for part in stack.parts)
    key, deep = ([], 0.0) if fits else _key(colours, width)
    height = HEAD + deep + ROW * len(stacks) + FOOT
    rows = [
        element
        for i, stack in enumerate(stacks)
        for element in _stack(stack, x, HEAD + deep + ROW * i, colours)
    ]
    spoken = "; ".join(f"{stack.name}: {stack.text}" for stack in stacks)
    axis = _axis(x, height, HEAD + deep)
    return _svg(title, spoken, width, height, [*key, *axis, *rows])


def _fits(name: str, size: float, x: Scale) -> bool:
    return x(size) - x(0) > text_width(name) + 4


def _key(colours: dict[str, int], width: float) -> tuple[list[Element], float]:
    """Return squares with their names, in lines, and the height of these."""
    elements: list[Element] = []
    across, down = 0.0, LINE / 2
    for name, colour in colours.items():
        if across + SQUARE + text_width(name) > width:
            across, down = 0.0, down + LINE
        shape = f"part s{colour % PALETTE}"
        box = tag("rect", x=across, y=down - 6, width=10, height=10, class_=shape)
        elements += [box, tag("text", name, x=across + SQUARE, y=down + 3, class_="tick")]
        across += SQUARE + text_width(name) + SQUARE
    return elements, down + LINE


def _bar(bar: Bar, x: Scale, top: float) -> list[Element]:
    middle = top + NAME + THICK / 2 + 6
    begin, end = x(0), x(bar.value)
    low, high = x(bar.low), x(bar.high)
    shape = f"bar s{bar.colour}"
    box = tag("rect", x=begin, y=middle - THICK / 2, width=end - begin, height=THICK, class_=shape)
    path = _whisker(low, high, middle)
    whisker = [tag("path", d=path, class_=shape) for shape in ("under", "whisker")]
    return [
        tag("text", shortened(bar.name, x.end), x=begin, y=top + NAME, class_="name"),
        box,
        *(whisker if bar.high > bar.low else []),
        tag("text", bar.text, x=max(end, high) + 8, y=middle + 4, class_="value"),
    ]


def _whisker(low: float, high: float, middle: float) -> str:
    ends = " ".join(f"M{at:.1f} {middle - 4:.1f}v8" for at in (low, high))
    return f"M{low:.1f} {middle:.1f}H{high:.1f} {ends}"


def _stack(stack: Stack, x: Scale, top: float, colours: dict[str, int]) -> list[Element]:
    middle, at = top + NAME + THICK / 2 + 6, 0.0
    elements = [tag("text", shortened(stack.name, x.end), x=x(0), y=top + NAME, class_="name")]
    for name, size in stack.parts:
        begin, end = x(at), x(at + size)
        colour = f"part s{colours[name] % PALETTE}"
        box = tag("rect", x=begin, y=middle - THICK / 2, width=end - begin, height=THICK)
        box.set("class", colour)
        elements.append(box)
        if _fits(name, size, x):
            text = tag("text", name, x=(begin + end) / 2, y=middle + 4, class_="inside middle")
            elements.append(text)
        at += size
    return [*elements, tag("text", stack.text, x=x(at) + 8, y=middle + 4, class_="value")]


def _names(stacks: Sequence[Stack]) -> list[str]:
    return list(dict.fromkeys(name for stack in stacks for name, _ in stack.parts))


def _axis(x: Scale, height: float, top: float) -> list[Element]:
    bottom = height - FOOT
    return [
        element
        for tick in x.ticks
        for element in (
            tag("line", x1=x(tick), x2=x(tick), y1=top, y2=bottom, class_="grid"),
            tag(
                "text",
                brief(tick),
                x=x(tick),
                y=bottom + 16,
                class_="tick middle" if tick else "tick",
            ),
        )
    ]


def _svg(
    title: str, alternative: str, width: float, height: float, children: Sequence[Element]
) -> Element:
    return tag(
        "svg",
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_label=f"{title}. {alternative}",
    )
