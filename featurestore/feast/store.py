"""The store that asks a Feast feature server."""

import asyncio
import time
from http import HTTPStatus

import numpy as np
from numpy.typing import NDArray

from featurestore.batch import FeatureBatch, Lost
from featurestore.errors import StoreUnavailable, UnknownFeature
from featurestore.feast import wire
from featurestore.feast.client import Client
from featurestore.feast.settings import FeastSettings
from featurestore.invalid import InvalidLog
from featuretable import screen
from idcolumn import IdColumn

__all__ = ["FeastStore"]

Columns = tuple[NDArray[np.float64], NDArray[np.bool_]]


class FeastStore:
    """Features of entities as `feast serve` knows them, read over HTTP.

    A null value, or a feature that an entity known to the view lacks, makes a row invalid. A row
    of which Feast calls a value older than the view's time to live (OUTSIDE_MAX_AGE) is not found;
    `feast serve` 0.67 calls none so, and answers with values of any age.

    Raises
    ------
    ValueError
        A setting is wrong; all problems are told.
    """

    def __init__(self, settings: FeastSettings) -> None:
        if problems := settings.problems():
            raise ValueError("; ".join(problems))
        self._settings = settings
        self._client = Client(settings)
        self._invalid = InvalidLog()

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`."""
        left = deadline - time.monotonic()
        if not left > 0:
            return FeatureBatch.nothing(len(ids), len(features), Lost.LATE)
        try:
            async with asyncio.timeout(left):
                values, found = await self._read(entity_type, ids, features)
        except TimeoutError:
            return FeatureBatch.nothing(len(ids), len(features), Lost.LATE)
        invalid = screen(values, found)
        self._invalid.note(entity_type, invalid)
        return FeatureBatch(values, found, invalid=invalid)

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`; it asks for the server's health."""
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                status, body = await self._client.send("GET", "/health", b"", 1 << 16)
        except TimeoutError:
            raise StoreUnavailable(f"feast {self._settings.url}: no answer in time") from None
        if status != HTTPStatus.OK:
            raise self._refusal(status, body)

    async def close(self) -> None:
        """See `FeatureStore.close`."""
        await self._client.close()

    async def _read(self, view: str, ids: IdColumn, features: tuple[str, ...]) -> Columns:
        if view not in self._settings.integer_keys:
            return await self._ask(view, ids, features, integers=False)
        known = wire.int64_ids(ids)
        values, found = _nothing(len(ids), len(features))
        values[known], found[known] = await self._ask(
            view, ids.take(known), features, integers=True
        )
        return values, found

    async def _ask(
        self, view: str, ids: IdColumn, features: tuple[str, ...], *, integers: bool
    ) -> Columns:
        # Feast's own names hold neither; in a reference they would set a feature or version apart.
        if not view or ":" in view or "@" in view or not len(ids):
            return _nothing(len(ids), len(features))
        once = tuple(dict.fromkeys(features))
        join_key = self._settings.join_key(view)
        body = wire.pack(view, join_key, ids, once, integers)
        # A value with status and timestamp takes under 100 bytes, an escaped id 6 times its own.
        most = (1 << 16) + 8 * len(body) + 256 * len(ids) * (len(once) + 1)
        status, answer = await self._client.send("POST", "/get-online-features", body, most)
        if status == HTTPStatus.OK:
            values, found = wire.unpack(answer, len(ids), once)
            return values.take([once.index(name) for name in features], axis=1), found
        if wire.view_not_there(answer):
            return _nothing(len(ids), len(features))
        self._check_features(view, features, answer)
        raise self._refusal(status, answer)

    def _check_features(self, view: str, features: tuple[str, ...], answer: bytes) -> None:
        name = wire.feature_not_there(answer)
        if name in features:
            position = features.index(name)
            raise UnknownFeature(
                f"features[{position}] is {name!r}, which feature view {view!r} lacks"
            )

    def _refusal(self, status: int, body: bytes) -> StoreUnavailable:
        text = body[:300].decode(errors="replace")
        return StoreUnavailable(f"feast {self._settings.url}: answers {status}: {text}")


def _nothing(rows: int, features: int) -> Columns:
    return np.full((rows, features), np.nan), np.zeros(rows, np.bool_)
