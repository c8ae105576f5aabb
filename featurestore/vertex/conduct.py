"""How an emulator behaves: how long its answers take and how often they fail."""

import math
import random
import re
from dataclasses import dataclass, field

__all__ = ["CODES", "Conduct", "Latency", "parse_latency"]

# google.rpc.Code, without OK; the names are gRPC's
CODES = (
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)


@dataclass(frozen=True, slots=True)
class Latency:
    """A distribution of milliseconds: its kind, which is a method of `random.Random`, and figures.

    Of "uniform" they are the ends, of "lognormvariate" mu and sigma.
    """

    kind: str
    figures: tuple[float, float]

    def draw(self, chance: random.Random) -> float:
        """Draw milliseconds."""
        drawn: float = getattr(chance, self.kind)(*self.figures)
        return drawn


def parse_latency(text: str) -> Latency:
    """Read a distribution of milliseconds.

    Parameters
    ----------
    text : str
        `20`, `uniform:5,30` or `lognormal:median=8,sigma=0.5`.

    Raises
    ------
    ValueError
        It is none of these.
    """
    number = r"([0-9]*\.?[0-9]+)"
    if match := re.fullmatch(number, text):
        return Latency("uniform", (float(match[1]), float(match[1])))
    if match := re.fullmatch(f"uniform:{number},{number}", text):
        low, high = float(match[1]), float(match[2])
        if low <= high:
            return Latency("uniform", (low, high))
    if match := re.fullmatch(f"lognormal:median={number},sigma={number}", text):
        median, sigma = float(match[1]), float(match[2])
        if median > 0:
            return Latency("lognormvariate", (math.log(median), sigma))
    raise ValueError(
        f"{text!r} is no latency; give milliseconds as 20, uniform:5,30 or "
        "lognormal:median=8,sigma=0.5"
    )


@dataclass(slots=True)
class Conduct:
    """What an emulator does to calls; may be changed while it serves.

    Attributes
    ----------
    latency : Latency
        Before the answer to a call.
    slow_share, slow_ms : float
        This share of calls takes `slow_ms` instead.
    error_rate : float
        This share of calls fails, after its latency.
    error_code : str
        With which status, one of `CODES`.
    key_error_rate : float
        This share of the ids of a streaming fetch fails alone, with `error_code`.
    seed : int
        Of all draws.
    """

    latency: Latency = field(default_factory=lambda: parse_latency("0"))
    slow_share: float = 0.0
    slow_ms: float = 500.0
    error_rate: float = 0.0
    error_code: str = "UNAVAILABLE"
    key_error_rate: float = 0.0
    seed: int = 0
    chance: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311

    def delay_s(self) -> float:
        """Draw seconds before an answer."""
        slow = self.chance.random() < self.slow_share
        return (self.slow_ms if slow else self.latency.draw(self.chance)) / 1000

    def fails(self) -> bool:
        """Draw whether a call fails."""
        return self.chance.random() < self.error_rate

    def key_fails(self) -> bool:
        """Draw whether a single id fails."""
        return self.chance.random() < self.key_error_rate
