"""What a proxy does to the bytes between a client and its server."""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

__all__ = ["Cut", "Delay", "Drip", "Garbage", "Mode", "Pass", "Place", "Reset", "Stall", "Strand"]


@dataclass(frozen=True)
class Pass:
    """Everything goes through at once."""


@dataclass(frozen=True)
class Cut:
    """Nobody listens: connections are refused, and those there are are closed."""


@dataclass(frozen=True)
class Stall:
    """Connections are accepted and nothing flows, in either direction, until the mode changes."""


@dataclass(frozen=True)
class Strand:
    """Nothing flows any more over the connections there are, whatever comes; new ones work."""


@dataclass(frozen=True)
class Drip:
    """A few bytes at a time in either direction."""

    size: int = 3
    interval_s: float = 0.02


@dataclass(frozen=True)
class Reset:
    """RST to the client: on accepting and to those there are, or after half of their next reply."""

    in_reply: bool = False


@dataclass(frozen=True)
class Delay:
    """A fixed latency in each direction; what is on its way keeps its distance."""

    to_server_s: float = 0.0
    to_client_s: float = 0.0


class Place(StrEnum):
    """Where garbage stands."""

    INSTEAD = "instead"  # of a reply, as long as the reply
    BEFORE = "before"  # a reply
    INSIDE = "inside"  # in the middle of a reply


@dataclass(frozen=True)
class Garbage:
    """Random bytes in every reply."""

    place: Place = Place.INSTEAD
    seed: int = 1
    size: int = 64
    _random: Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_random", Random(self.seed))

    def spoil(self, reply: bytes) -> bytes:
        """Return what stands in for a reply."""
        if self.place is Place.INSTEAD:
            return self._random.randbytes(len(reply))
        middle = len(reply) // 2 if self.place is Place.INSIDE else 0
        return reply[:middle] + self._random.randbytes(self.size) + reply[middle:]


Mode = Pass | Cut | Stall | Strand | Drip | Reset | Delay | Garbage
