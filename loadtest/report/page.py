"""A report as one page of HTML that needs nothing else: no script, no file, no network."""

import re
from collections.abc import Sequence
from pathlib import Path

from loadtest.report.document import Picture, Report, Section, Table, Tile
from loadtest.report.elements import Element, serialised, tag

__all__ = ["render_page"]

WIDE, HALF, NARROW = 940.0, 450.0, 345.0  # pixels
FEW = 3  # columns that a narrow screen has room for; of more, a row becomes a card
LONG = 13  # characters of a cell that takes a line of its own on a narrow screen
NUMBER = re.compile(r"[\d\N{EM DASH}\N{GREATER-THAN OR EQUAL TO}-][\d.,\s()%kMG-]*")
ALARM = ("failed", "not measured")


def render_page(report: Report) -> str:
    """Return the page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", report.title),
        tag("style", Path(__file__).with_name("page.css").read_text()),
    )
    main = tag(
        "main",
        tag("h1", report.title),
        tag("p", report.summary, class_="summary"),
        tag("dl", *map(_tile, report.tiles), class_="tiles") if report.tiles else None,
        *map(_section, report.sections),
    )
    page = tag("html", head, tag("body", main), lang="en")
    return f"<!doctype html>\n{serialised(page)}\n"


def _tile(tile: Tile) -> Element:
    value = tag("dd", f"{tile.value} ", tag("small", tile.unit))
    return tag("div", tag("dt", tile.label), value)


def _section(section: Section) -> Element:
    pictures = [_figure(picture) for picture in section.pictures]
    small = any(picture.small for picture in section.pictures)
    return tag(
        "section",
        tag("h2", section.title),
        tag("p", section.text) if section.text else None,
        *([tag("div", *pictures, class_="pair")] if small else pictures),
        _table(section),
    )


def _figure(picture: Picture) -> Element:
    """Draw a picture twice, for wide screens and for narrow ones, where text must not shrink."""
    wide, narrow = picture.draw(HALF if picture.small else WIDE), picture.draw(NARROW)
    wide.set("class", "wide")
    narrow.set("class", "narrow")
    caption = tag("figcaption", picture.title) if picture.title else None
    return tag("figure", caption, wide, narrow)


def _table(section: Section) -> Element | None:
    if section.table is None or not section.table.rows:
        return None
    table = _rows(section.table)
    if not section.folded:
        return table
    count = len(section.table.rows)
    return tag("details", tag("summary", f"Figures: {count} rows"), table)


def _rows(table: Table) -> Element:
    columns = [[row[i] for row in table.rows] for i in range(len(table.columns))]
    kinds = [_kind(texts) for texts in columns]
    head = [
        tag("th", name, scope="col", class_=kind or None)
        for name, kind in zip(table.columns, kinds, strict=True)
    ]
    body = [_row(row, table.columns, kinds) for row in table.rows]
    shape = "cards" if len(columns) > FEW else None
    return tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_=shape)


def _row(row: Sequence[str], columns: Sequence[str], kinds: Sequence[str]) -> Element:
    cells = [
        tag("td", text, data_name=name, class_=f"{kind} {_alarm(text)}".strip() or None)
        for text, name, kind in zip(row[1:], columns[1:], kinds[1:], strict=True)
    ]
    return tag("tr", tag("th", row[0], scope="row"), *cells)


def _kind(texts: Sequence[str]) -> str:
    """Return the classes of a column: numbers stand to the right, long ones on their own."""
    numbers = sum(NUMBER.fullmatch(text) is not None for text in texts)
    long = any(len(text) > LONG for text in texts)
    return " ".join(["number"] * (2 * numbers > len(texts)) + ["long"] * long)


def _alarm(text: str) -> str:
    return "alarm" if any(word in text for word in ALARM) else ""
