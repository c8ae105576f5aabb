"""A report as Markdown: the words and the tables."""

from collections.abc import Sequence

from loadtest.markdown import markdown_table
from loadtest.report.document import Report, Section

__all__ = ["render_markdown"]

ESCAPED = str.maketrans(
    {**{mark: f"\\{mark}" for mark in "\\`*_[]|#"}, "<": "&lt;", "&": "&amp;", "\n": " "}
)


def render_markdown(report: Report) -> str:
    """Return the document."""
    lines = [f"# {_text(report.title)}", "", _text(report.summary), ""]
    lines += [f"- {_text(f'{tile.value} {tile.unit}: {tile.label}')}" for tile in report.tiles]
    lines += [line for section in report.sections for line in _section(section)]
    return "\n".join(lines) + "\n"


def _section(section: Section) -> list[str]:
    lines = ["", f"## {_text(section.title)}", ""]
    lines += [_text(section.text), ""] if section.text else []
    if section.table and section.table.rows:
        lines.append(markdown_table(_texts(section.table.columns), map(_texts, section.table.rows)))
    return lines


def _texts(cells: Sequence[str]) -> list[str]:
    return [_text(cell) for cell in cells]


def _text(text: str) -> str:
    return text.translate(ESCAPED)
