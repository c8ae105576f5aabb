"""Where the value of each setting comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from service.fields import Taken

__all__ = ["Origin", "Origins", "Setting", "Tables"]

Tables = Mapping[str, Mapping[str, Any]]


class Origin(StrEnum):
    """What said it; a later one wins over those before it."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Setting:
    """One effective value.

    Attributes
    ----------
    name : str
        With its section: "server.port".
    value : object
        As it was said, with "auto" and the like.
    origin : Origin
        What said it.
    place : str
        The file, or the variable of the environment; empty for the others.
    """

    name: str
    value: object
    origin: Origin
    place: str = ""


@dataclass(frozen=True, slots=True)
class Origins:
    """What the configuration file, the environment and the command line say.

    Attributes
    ----------
    file : str
        Where the file is; empty for the default one.
    given, environment, command : mapping of section to mapping of name to value
    prefix : str
        Of the variables of the environment.
    """

    file: str
    given: Tables
    environment: Tables
    command: Tables
    prefix: str
    overridable: frozenset[str] = field(default_factory=frozenset)

    def of(self, name: str) -> tuple[Origin, str]:
        """Return what says a setting outside of the models, and its file or variable."""
        section, _, rest = name.partition(".")
        key = rest.partition(".")[0]
        if key in self.command.get(section, ()):
            return Origin.COMMAND_LINE, ""
        if key in self.environment.get(section, ()):
            return Origin.ENVIRONMENT, f"{self.prefix}{section}_{key}".upper()
        table = self.given.get(section)
        stated = isinstance(table, Mapping) and key in table
        return self._file() if stated else (Origin.DEFAULT, "")

    def of_problem(self, problem: str) -> str:
        """Return a problem's line, with its setting's origin where that isn't the file."""
        origin, _ = self.of(problem.partition(" ")[0])
        outside = origin in (Origin.ENVIRONMENT, Origin.COMMAND_LINE)
        return f"{problem} (from the {origin})" if outside else problem

    def setting(self, taken: Taken) -> Setting:
        """Return a value that was read, with its origin."""
        if taken.name.partition(".")[0] in self.overridable:
            return Setting(taken.name, taken.value, *self.of(taken.name))
        origin = self._file() if taken.stated else (Origin.DEFAULT, "")
        return Setting(taken.name, taken.value, *origin)

    def _file(self) -> tuple[Origin, str]:
        return (Origin.FILE, self.file) if self.file else (Origin.DEFAULT, "")
