"""What a worker and the process that makes a snapshot for it tell each other."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import orjson

if TYPE_CHECKING:  # takes half a second to import, which the process spends at a low priority
    from service.config import Settings

__all__ = ["Order", "Outcome", "Said"]


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of it.

    Attributes
    ----------
    settings : Settings
        Of the service.
    catalog : str
        A catalogue's name.
    folder : Path
        Where its snapshot is put, unless one of that version is there.
    """

    settings: "Settings"
    catalog: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What it made.

    Attributes
    ----------
    version : str
        Of the snapshot.
    read_at : float
        Unix time at which the reading began.
    arms : int
        How many there are.
    bytes : int
        Of the file; 0 where there was one of that version.
    missing, oddities
        See `Built`.
    """

    version: str
    read_at: float
    arms: int
    bytes: int
    missing: int
    oddities: dict[str, int]


@dataclass(frozen=True, slots=True)
class Said:
    """A line of it: how far it is, or what it made, or why it can't.

    Attributes
    ----------
    arms : int
        How many there are so far.
    share : float or None
        Of all rows, those read; None where nobody knows how many there are.
    """

    arms: int = 0
    share: float | None = None
    outcome: Outcome | None = None
    failed: str = ""

    def line(self) -> bytes:
        """Return it as a line of JSON."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def of(cls, line: bytes) -> Self:
        """Return what a line says."""
        fields = orjson.loads(line)
        outcome = fields.pop("outcome")
        return cls(**fields, outcome=outcome and Outcome(**outcome))
