"""A report as data, which HTML and Markdown are made from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtest.report.elements import Element

__all__ = ["Picture", "Report", "Section", "Table", "Tile"]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under columns; the first column names the row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart that can be drawn in any width, in pixels; small ones stand side by side."""

    title: str
    draw: Callable[[float], Element]
    small: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report.

    Attributes
    ----------
    folded : bool
        The table stands behind the pictures, or is long: it is shown when asked for.
    """

    title: str
    text: str = ""
    pictures: Sequence[Picture] = ()
    table: Table | None = None
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the headline: its value, its unit, and what it is."""

    value: str
    unit: str
    label: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one page says: a sentence, its figures, and the sections that show them."""

    title: str
    summary: str
    tiles: Sequence[Tile]
    sections: Sequence[Section]
