"""The features of tables, remembered between fetches."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from featurestore.errors import StoreError, StoreUnavailable
from featurestore.redis.layout import decode_features
from featurestore.redis.protocol import LATE, Late, Outcome
from featurestore.redis.translation import anew

__all__ = ["Schema"]

TRUSTED_S = 5.0  # then a known table is looked up again, while what is known serves on
RETRY_S = 1.0  # between look-ups of a table that is unknown, or that seems to have changed

Features = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    features: Features | None
    read_at: float


class Schema:
    """Looks tables up, each by at most one request at a time.

    Parameters
    ----------
    lookup : callable
        Reads the record of an entity type until a deadline.
    patience_s : float
        How long a look-up may take.
    """

    def __init__(
        self, lookup: Callable[[str, float], Awaitable[Outcome]], patience_s: float
    ) -> None:
        self._lookup = lookup
        self._patience_s = patience_s
        self._entries: dict[str, _Entry] = {}
        self._asked: dict[str, asyncio.Task[Features | StoreError | None]] = {}

    def known(self, entity_type: str) -> Features | None:
        """Features of a table as they were when last looked up, None when none are known.

        They are looked up again, unless that was done of late; nobody waits for it.
        """
        entry = self._entries.get(entity_type)
        if entry is None or entry.features is None:
            return None
        if time.monotonic() > entry.read_at + TRUSTED_S:
            self._ask(entity_type)
        return entry.features

    async def features(
        self, entity_type: str, deadline: float, suspect: bool = False
    ) -> Features | Late | None:
        """Features of a table, None when it is unknown, LATE when the deadline comes first.

        Parameters
        ----------
        suspect : bool
            The table seems to have changed: look it up again unless that was just done.

        Raises
        ------
        StoreError
            The look-up failed.
        """
        known = self.known(entity_type)
        if known is not None and not suspect:
            return known
        entry, now = self._entries.get(entity_type), time.monotonic()
        if entry is not None and now < entry.read_at + RETRY_S:
            return entry.features
        task = self._ask(entity_type)
        await asyncio.wait((task,), timeout=deadline - now)
        if not task.done():
            return LATE
        answer = task.result()
        if isinstance(answer, StoreError):
            raise anew(answer)
        return answer

    async def close(self) -> None:
        """End the look-ups."""
        tasks = list(self._asked.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, entity_type: str) -> "asyncio.Task[Features | StoreError | None]":
        if entity_type not in self._asked:
            self._asked[entity_type] = asyncio.create_task(self._read(entity_type))
        return self._asked[entity_type]

    async def _read(self, entity_type: str) -> Features | StoreError | None:
        """Look a table up; a failure is an answer too."""
        now = time.monotonic()
        try:
            features = _features(await self._lookup(entity_type, now + self._patience_s))
            self._entries[entity_type] = _Entry(features, time.monotonic())
        except StoreError as error:
            entry = self._entries.get(entity_type)
            if entry is not None:
                self._entries[entity_type] = _Entry(entry.features, now + RETRY_S - TRUSTED_S)
            return error
        finally:
            del self._asked[entity_type]
        return features


def _features(record: Outcome) -> Features | None:
    if isinstance(record, StoreError):
        raise anew(record)
    if record is LATE:
        raise StoreUnavailable("no answer in time to which features a table has")
    return None if record is None else decode_features(record)
