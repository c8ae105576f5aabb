"""A part of the doctor's report."""

from dataclasses import dataclass, field

__all__ = ["Section", "Sourced"]


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value, and what said it."""

    value: object
    source: str


@dataclass(slots=True)
class Section:
    """What was found about one subject.

    Attributes
    ----------
    title : str
    facts : dict of str to str, number, bool, None, Sourced, or list or dict of them
        By their names, in the order in which they are shown.
    problems : list of str
        What is wrong, a sentence each.
    """

    title: str
    facts: dict[str, object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
