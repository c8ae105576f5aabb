"""Vertex AI Feature Store: feature views of an online store, whose rows come whole."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import grpc
from google.api_core.gapic_v1 import routing_header
from google.cloud.aiplatform_v1beta1.types import feature_online_store_service as service

from featurestore.batch import choose
from featurestore.vertex.adapter import Adapter
from featurestore.vertex.answers import Answers, number
from featurestore.vertex.connections import Method
from featurestore.vertex.failures import TRANSLATIONS, CallFailed
from featurestore.vertex.settings import VertexSettings

__all__ = ["FETCH", "STREAM", "VertexStore"]

logger = logging.getLogger("bandit_serve.featurestore")

STREAM = Method(
    "/google.cloud.aiplatform.v1beta1.FeatureOnlineStoreService/StreamingFetchFeatureValues",
    streams=True,
)
# Its messages in v1 have the numbers and types of those in v1beta1, so one import serves both.
FETCH = Method(
    "/google.cloud.aiplatform.v1.FeatureOnlineStoreService/FetchFeatureValues", streams=False
)

StreamRequest = service.StreamingFetchFeatureValuesRequest.pb()
StreamResponse = service.StreamingFetchFeatureValuesResponse.pb()
FetchRequest = service.FetchFeatureValuesRequest.pb()
FetchResponse = service.FetchFeatureValuesResponse.pb()
DataKey = service.FeatureViewDataKey.pb()
KEY_VALUE = service.FeatureViewDataFormat.KEY_VALUE

UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED
STATUSES = {code.value[0]: code for code in TRANSLATIONS}


class VertexStore(Adapter):
    """Feature views of one online store.

    With `batch`, a fetch is one streaming call, and where the service does not offer that, the
    store goes over to one call for each id. May be made outside of an event loop; belongs to the
    loop of its first call.
    """

    def __init__(self, settings: VertexSettings) -> None:
        super().__init__(settings)
        self._batch = settings.batch
        self._seen: dict[str, dict[str, None]] = {}

    def resource(self, entity_type: str) -> str:
        """See `Adapter.resource`."""
        return self.settings.feature_view_path(entity_type)

    async def read(
        self, entity_type: str, answers: Answers, features: tuple[str, ...], deadline: float
    ) -> None:
        """See `Adapter.read`."""
        reading = Reading(answers, features)
        await self._read_either_way(entity_type, reading, deadline)
        if reading.names:
            # A row may lack a feature that others have, so what was ever seen decides.
            seen = self._seen.setdefault(entity_type, {})
            seen |= reading.names
            choose(features, tuple(seen), entity_type)

    async def probe(self, entity_type: str, name: str, deadline: float) -> None:
        """See `Adapter.probe`."""
        await self._fetch_one(entity_type, name, None, deadline)

    async def _read_either_way(self, entity_type: str, reading: "Reading", deadline: float) -> None:
        if self._batch:
            try:
                return await self._stream(entity_type, reading, deadline)
            except CallFailed as failure:
                if failure.code is not UNIMPLEMENTED:
                    raise
            logger.warning("%s offers no streaming call, reading id by id", self.settings.target)
            self._batch = False
        return await self._fetch(entity_type, reading, deadline)

    async def _stream(self, entity_type: str, reading: "Reading", deadline: float) -> None:
        """All ids by one call."""
        path = self.resource(entity_type)
        keys = [DataKey(key=name) for name in reading.answers.asked]
        request = StreamRequest(feature_view=path, data_keys=keys, data_format=KEY_VALUE)

        def take(message: bytes) -> None:
            response = StreamResponse.FromString(message)
            for row in response.data:
                reading.take(row.data_key.key, row)
            failure = _failure(response.status)
            for key in response.data_keys_with_error:
                reading.answers.fail(key.key, failure)

        await self._call(STREAM, path, request, deadline, take)

    async def _fetch(self, entity_type: str, reading: "Reading", deadline: float) -> None:
        """Each id by a call of its own, `concurrency` of them at a time."""
        names = iter(reading.answers.asked)

        async def work() -> None:
            for name in names:
                try:
                    await self._fetch_one(entity_type, name, reading, deadline)
                except CallFailed as failure:
                    reading.answers.fail(name, failure)

        workers = min(self.settings.concurrency, len(reading.answers.asked))
        await asyncio.gather(*(work() for _ in range(workers)))

    async def _fetch_one(
        self, entity_type: str, name: str, reading: "Reading | None", deadline: float
    ) -> None:
        path = self.resource(entity_type)
        request = FetchRequest(feature_view=path, data_key=DataKey(key=name), data_format=KEY_VALUE)

        def take(message: bytes) -> None:
            row = FetchResponse.FromString(message)
            if reading is not None:
                reading.take(name, row)

        await self._call(FETCH, path, request, deadline, take)

    async def _call(
        self,
        method: Method,
        path: str,
        request: Any,
        deadline: float,
        take: Callable[[bytes], None],
    ) -> None:
        route = routing_header.to_grpc_metadata((("feature_view", path),))
        await self.connections.call(method, request.SerializeToString(), route, deadline, take)


class Reading:
    """One fetch: its answers, the features that it picks, and the names that rows came with."""

    def __init__(self, answers: Answers, features: tuple[str, ...]) -> None:
        self.answers = answers
        self.names: dict[str, None] = {}
        self._features = features

    def take(self, name: str, row: Any) -> None:
        """Pick the features of a row out of all of the feature view's."""
        pairs = {pair.name: pair.value for pair in row.key_values.features}
        self.names |= dict.fromkeys(pairs)
        values = [number(pairs[one]) if one in pairs else None for one in self._features]
        self.answers.put(name, values)


def _failure(status: Any) -> CallFailed:
    code = STATUSES.get(status.code, grpc.StatusCode.UNKNOWN)
    return CallFailed(code, status.message or "no details")
