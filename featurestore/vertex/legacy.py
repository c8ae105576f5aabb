"""Vertex AI Feature Store (Legacy): up to 100 ids by one streaming call, one message for each."""

import grpc
from google.api_core.gapic_v1 import routing_header
from google.cloud.aiplatform_v1.types import featurestore_online_service as service

from featurestore.batch import choose
from featurestore.vertex.adapter import Adapter
from featurestore.vertex.answers import Answers, number
from featurestore.vertex.connections import Method
from featurestore.vertex.failures import CallFailed

__all__ = ["METHOD", "VertexLegacyStore"]

METHOD = Method(
    "/google.cloud.aiplatform.v1.FeaturestoreOnlineServingService/StreamingReadFeatureValues",
    streams=True,
)
REFUSALS = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
EVERY_FEATURE = ("*",)

# The plain messages: the client's own wrappers cost a third more for each call.
Request = service.StreamingReadFeatureValuesRequest.pb()
Response = service.ReadFeatureValuesResponse.pb()


class VertexLegacyStore(Adapter):
    """Entity types of one featurestore; at most 100 ids a fetch.

    May be made outside of an event loop; belongs to the loop of its first call.
    """

    def resource(self, entity_type: str) -> str:
        """See `Adapter.resource`."""
        return self.settings.entity_type_path(entity_type)

    async def read(
        self, entity_type: str, answers: Answers, features: tuple[str, ...], deadline: float
    ) -> None:
        """See `Adapter.read`."""
        try:
            await self._stream(entity_type, answers.asked, features, deadline, answers)
        except CallFailed as failure:
            if failure.code not in REFUSALS:
                raise
            await self._explain(entity_type, answers.asked[:1], features, deadline)
            raise

    async def probe(self, entity_type: str, name: str, deadline: float) -> None:
        """See `Adapter.probe`."""
        await self._stream(entity_type, [name], EVERY_FEATURE, deadline)

    async def _explain(
        self, entity_type: str, names: list[str], features: tuple[str, ...], deadline: float
    ) -> None:
        """Raise for a feature that the table lacks, which a refusal doesn't tell from others."""
        header = await self._stream(entity_type, names, EVERY_FEATURE, deadline)
        choose(features, header, entity_type)

    async def _stream(
        self,
        entity_type: str,
        names: list[str],
        features: tuple[str, ...],
        deadline: float,
        answers: Answers | None = None,
    ) -> tuple[str, ...]:
        """Read ids and return the features that the header names."""
        path = self.resource(entity_type)
        request = Request(entity_type=path, entity_ids=names)
        request.feature_selector.id_matcher.ids.extend(dict.fromkeys(features))
        header: tuple[str, ...] = ()
        order: list[int] = []

        def take(message: bytes) -> None:
            nonlocal header, order
            response = Response.FromString(message)
            if response.HasField("header"):
                header = tuple(one.id for one in response.header.feature_descriptors)
                order = [] if answers is None else _order(features, header, entity_type)
            if answers is not None and response.HasField("entity_view"):
                # An entity that the featurestore doesn't know may have no data at all.
                view, whole = response.entity_view, len(response.entity_view.data) == len(header)
                values = [number(view.data[i].value) for i in order] if whole else [None]
                answers.put(view.entity_id, values)

        route = routing_header.to_grpc_metadata((("entity_type", path),))
        await self.connections.call(METHOD, request.SerializeToString(), route, deadline, take)
        return header


def _order(features: tuple[str, ...], header: tuple[str, ...], entity_type: str) -> list[int]:
    columns = choose(features, header, entity_type)
    return list(range(len(features))) if columns is None else columns.tolist()
