"""Typed reading of a parsed TOML table that collects every problem instead of stopping at one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from featurestore.redaction import without_password

__all__ = ["Fields", "Taken", "without_secret"]

_ABSENT: Any = object()


def without_secret(value: object) -> str:
    """Return a wrong value as a problem may show it: there may be a password in what it holds."""
    if isinstance(value, list):
        return "an array"
    if isinstance(value, dict):
        return "a table"
    return repr(without_password(value) if isinstance(value, str) else value)


class Taken(NamedTuple):
    """A value that was read: its full name, and whether the table states it."""

    name: str
    value: Any
    stated: bool


class Fields:
    """One table of the configuration; each reader returns a value of its type, wrong or not.

    A wrong or missing value is noted in `problems` and a stand-in of the right type is returned,
    so that reading goes on and the rest is checked too. What is read, there or in tables within,
    is added to `taken`, but for what is missing.
    """

    def __init__(
        self,
        path: str,
        table: Mapping[str, Any],
        problems: list[str],
        taken: list[Taken] | None = None,
    ) -> None:
        self.taken: list[Taken] = [] if taken is None else taken
        self._path = path
        self._table = table
        self._problems = problems
        self._known: set[str] = set()

    def problem(self, name: str, message: str) -> None:
        """Note a problem of the field `name`."""
        self._problems.append(f"{self._full(name)} {message}")

    def names(self) -> list[str]:
        """Return the names in the table."""
        return list(self._table)

    def value(self, name: str) -> Any:
        """Return the raw value, or None."""
        return self._table.get(name)

    def section(self, name: str, *, required: bool = False) -> "Fields":
        """Return the table `name`, an empty one where it is absent."""
        self._known.add(name)
        table = self._table.get(name, {})
        if required and name not in self._table:
            self.problem(name, "is missing")
        if not isinstance(table, dict):
            self.problem(name, f"is {without_secret(table)}, must be a table")
            table = {}
        return Fields(self._full(name), table, self._problems, self.taken)

    def text(self, name: str, default: str = _ABSENT, *, empty: bool = False) -> str:
        """Return a string, an empty one only where that is allowed."""
        value = self._take(name, default)
        if value is _ABSENT:
            return ""
        if not isinstance(value, str) or not (value or empty):
            also = "" if empty else " that isn't empty"
            shown = "a number" if isinstance(value, int | float) else without_secret(value)
            self.problem(name, f"is {shown}, must be a string{also}")
            return ""
        return value

    def texts(self, name: str, default: Sequence[str]) -> tuple[str, ...]:
        """Return an array of strings."""
        value = self._take(name, list(default))
        if not isinstance(value, list):
            self.problem(name, f"is {without_secret(value)}, must be an array of strings")
            return tuple(default)
        if wrong := [each for each in value if not (isinstance(each, str) and each)]:
            self.problem(name, f"holds {without_secret(wrong[0])}, must be an array of strings")
            return tuple(default)
        return tuple(value)

    def choice(self, name: str, choices: Sequence[str], default: str = _ABSENT) -> str:
        """Return one of `choices`."""
        value = self._take(name, default)
        if value is _ABSENT:
            return choices[0]
        if value not in choices:
            self.problem(name, f"is {without_secret(value)}, must be one of {', '.join(choices)}")
            return choices[0]
        return str(value)

    def integer(
        self,
        name: str,
        default: int = _ABSENT,
        *,
        low: int,
        high: int,
        words: Mapping[str, int] | None = None,
    ) -> int:
        """Return an integer from `low` to `high`, or what one of the `words` stands for."""
        value = self._take(name, default)
        if value is _ABSENT:
            return low
        if words and isinstance(value, str) and value in words:
            return words[value]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            also = "".join(f" or {word!r}" for word in words or ())
            self.problem(
                name, f"is {without_secret(value)}, must be an integer from {low} to {high}{also}"
            )
            return low
        return value

    def flag(self, name: str, default: bool = _ABSENT) -> bool:
        """Return true or false."""
        value = self._take(name, default)
        if value is _ABSENT:
            return False
        if not isinstance(value, bool):
            self.problem(name, f"is {without_secret(value)}, must be true or false")
            return False
        return value

    def number(self, name: str, default: float = _ABSENT, *, low: float, high: float) -> float:
        """Return a finite number from `low` to `high`."""
        value = self._take(name, default)
        if value is _ABSENT:
            return high
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not low <= value <= high:
            self.problem(
                name, f"is {without_secret(value)}, must be a number from {low:g} to {high:g}"
            )
            return high
        return float(value)

    def like(self, standard: Mapping[str, Any]) -> dict[str, Any]:
        """Return a value for each name in `standard`, of the type that it has there; finish."""
        values = {name: self._like(name, value) for name, value in standard.items()}
        self.finish()
        return values

    def finish(self) -> None:
        """Note every name in the table that nobody asked for."""
        for name in self._table.keys() - self._known:
            known = ", ".join(sorted(self._known))
            self.problem(name, f"is not a setting; known here: {known}")

    def _like(self, name: str, standard: Any) -> Any:
        match standard:
            case bool():
                return self.flag(name, standard)
            case int():
                return self.integer(name, standard, low=-(1 << 63), high=1 << 63)
            case float():
                return self.number(name, standard, low=-math.inf, high=math.inf)
            case list():
                return list(self.texts(name, standard))
            case dict():
                table = self.section(name)
                return {key: table.text(key) for key in table.names()}
        return self.text(name, standard, empty=True)

    def _take(self, name: str, default: Any) -> Any:
        self._known.add(name)
        stated = name in self._table
        value = self._table.get(name, default)
        if value is _ABSENT:
            self.problem(name, "is missing")
        else:
            self.taken.append(Taken(self._full(name), value, stated))
        return value

    def _full(self, name: str) -> str:
        return ".".join(part for part in (self._path, name) if part)
