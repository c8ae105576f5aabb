"""What the worker that keeps a catalogue tells the other workers of its node, by a small file."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import orjson

__all__ = ["State"]


@dataclass(frozen=True, slots=True)
class State:
    """How a catalogue is.

    Attributes
    ----------
    version : str
        Of the current snapshot; empty where there is none yet.
    read_at : float
        Unix time at which the latest reading began that succeeded, in seconds.
    missing : int
        Arms of that reading for which the prior stands in.
    oddities : dict of str to int
        What was odd about its rows; see `Built`.
    arms, share
        How far the reading under way is; see `Said`.
    trouble : str
        Why the latest reading failed; empty where it succeeded.
    """

    version: str = ""
    read_at: float = 0.0
    missing: int = 0
    oddities: dict[str, int] = field(default_factory=dict)
    arms: int = 0
    share: float | None = None
    trouble: str = ""

    def write(self, path: Path) -> None:
        """Put it in the place of the last one, whole."""
        aside = path.with_suffix(".new")
        aside.write_bytes(orjson.dumps(asdict(self)))
        aside.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what was written last; nothing is known before."""
        try:
            return cls(**orjson.loads(path.read_bytes()))
        except FileNotFoundError:
            return cls()
