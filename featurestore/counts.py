"""What a hot tier says about itself."""

from dataclasses import dataclass

__all__ = ["Counts", "Progress"]


@dataclass
class Counts:
    """What the tier did since it was made; every field but the last counts rows.

    Attributes
    ----------
    hits : int
        Served from memory.
    misses : int
        Not in memory, and asked of the store.
    refreshed : int
        Read again because they were written.
    not_resident : int
        In the store and not in memory, as last looked at.
    errors : int
        Failed reads, of the journal or of rows.
    """

    hits: int = 0
    misses: int = 0
    refreshed: int = 0
    not_resident: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows in memory, and rows in the store when the fill began."""

    rows: int
    total: int
