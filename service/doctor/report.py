"""The doctor's report, for people and for machines."""

from collections.abc import Iterator, Sequence

import orjson

from service.doctor.section import Section, Sourced

__all__ = ["as_json", "as_text", "problems_of", "unreadable"]


def problems_of(sections: Sequence[Section]) -> list[str]:
    """Return all that is wrong."""
    return [f"{section.title}: {text}" for section in sections for text in section.problems]


def as_json(sections: Sequence[Section]) -> str:
    """Return an object of a section each, then `problems` and `healthy`."""
    problems = problems_of(sections)
    found = {section.title: section.facts for section in sections}
    return _dumped({**found, "problems": problems, "healthy": not problems})


def unreadable(problems: Sequence[str]) -> str:
    """Return the same object where nothing could be looked at, since the settings are wrong."""
    return _dumped({"problems": problems, "healthy": False})


def _dumped(document: dict[str, object]) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode()


def as_text(sections: Sequence[Section]) -> str:
    """Return the same to read."""
    lines = [line for section in sections for line in _lines(section)]
    problems = problems_of(sections)
    lines += ["problems", *(f"  {text}" for text in problems or ["none"])]
    return "\n".join(lines)


def _lines(section: Section) -> Iterator[str]:
    yield section.title
    width = max(map(len, section.facts), default=0)
    for name, value in section.facts.items():
        yield f"  {name:{width}}  {_text(value)}".rstrip()
    yield ""


def _text(value: object) -> str:
    match value:
        case Sourced(value, source):
            return f"{_text(value):24}  {source}"
        case dict():
            return ", ".join(f"{name}: {_text(inner)}" for name, inner in value.items())
        case list() | tuple():
            return f"[{', '.join(map(_text, value))}]"
        case bool():
            return "yes" if value else "no"
    return str(value)
