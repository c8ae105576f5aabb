"""The catalogues that a worker answers from."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from service.catalogs.settings import CatalogSettings
from service.catalogs.snapshot import Snapshot

__all__ = ["Catalog", "Catalogs"]


class Catalog:
    """A catalogue and its present snapshot.

    Attributes
    ----------
    snapshot : Snapshot or None
        The latest that this worker has adopted, None before the first. It is replaced at any time
        between two turns of the event loop: a request takes it once.
    """

    def __init__(self, settings: CatalogSettings) -> None:
        self.settings = settings
        self.snapshot: Snapshot | None = None
        self._bits = {tag: 1 << bit for bit, tag in enumerate(settings.tags)}

    def tag_bits(self, tags: Iterable[str]) -> int:
        """Return the bits of some tags; KeyError with the first that isn't declared."""
        bits = 0
        for tag in tags:
            bits |= self._bits[tag]
        return bits


@dataclass(frozen=True, slots=True)
class Catalogs:
    """The catalogues of a service, which may be none."""

    by_name: Mapping[str, Catalog]

    @classmethod
    def of(cls, settings: Mapping[str, CatalogSettings]) -> "Catalogs":
        """Return catalogues without a snapshot, as they are declared."""
        return cls({name: Catalog(declared) for name, declared in settings.items()})

    def __iter__(self) -> Iterator[Catalog]:
        return iter(self.by_name.values())
