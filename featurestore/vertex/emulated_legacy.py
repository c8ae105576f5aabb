"""The online serving service of Vertex AI Feature Store (Legacy), emulated."""

import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import grpc
import grpc.aio
from google.cloud.aiplatform_v1.types import featurestore_online_service as service

from featurestore.vertex.conduct import Conduct
from featurestore.vertex.emulated import Service, fill
from featurestore.vertex.tablefile import Table, Value

__all__ = ["LegacyService"]

NAME = "google.cloud.aiplatform.v1.FeaturestoreOnlineServingService"
MAX_IDS = 100
PATH = re.compile(r"projects/[^/]+/locations/[^/]+/featurestores/[^/]+/entityTypes/([^/]+)")

ReadRequest = service.ReadFeatureValuesRequest.pb()
StreamRequest = service.StreamingReadFeatureValuesRequest.pb()
Response = service.ReadFeatureValuesResponse.pb()
WriteRequest = service.WriteFeatureValuesRequest.pb()
WriteResponse = service.WriteFeatureValuesResponse.pb()


class LegacyService(Service):
    """ReadFeatureValues, StreamingReadFeatureValues and WriteFeatureValues."""

    def __init__(self, tables: Mapping[str, Table], conduct: Conduct) -> None:
        super().__init__(tables, conduct)
        self._written = int(time.time())

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """Return what a server needs to offer the methods."""
        one, many = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        methods = {
            "ReadFeatureValues": one(
                self._read, ReadRequest.FromString, Response.SerializeToString
            ),
            "StreamingReadFeatureValues": many(
                self._stream, StreamRequest.FromString, Response.SerializeToString
            ),
            "WriteFeatureValues": one(
                self._write, WriteRequest.FromString, WriteResponse.SerializeToString
            ),
        }
        return (grpc.method_handlers_generic_handler(NAME, methods),)

    async def _read(self, request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> Any:
        with self.traffic.counted():
            await self.suffer(context)
            table, features = await self._selected(request, context)
            response = _header(request.entity_type, features)
            self._fill_row(response.entity_view, request.entity_id, table, features)
            return response

    async def _stream(
        self, request: Any, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> AsyncIterator[Any]:
        with self.traffic.counted():
            await self.suffer(context)
            await _check_ids(request.entity_ids, context)
            table, features = await self._selected(request, context)
            yield _header(request.entity_type, features)
            for name in request.entity_ids:
                response = Response()
                self._fill_row(response.entity_view, name, table, features)
                yield response

    async def _write(self, request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> Any:
        with self.traffic.counted():
            await self.suffer(context)
            table = await self.table(request.entity_type, PATH, context)
            for payload in request.payloads:
                await _check_features(payload.feature_values, table, context)
                row = list(table.rows.get(payload.entity_id, (None,) * len(table.features)))
                for feature, value in payload.feature_values.items():
                    row[table.features.index(feature)] = _value(value)
                table.rows[payload.entity_id] = row
            return WriteResponse()

    async def _selected(
        self, request: Any, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> tuple[Table, tuple[str, ...]]:
        """Table and features that a request asks for."""
        table = await self.table(request.entity_type, PATH, context)
        wanted = tuple(dict.fromkeys(request.feature_selector.id_matcher.ids))
        if wanted == ("*",):
            return table, table.features
        await _check_features(wanted, table, context)
        return table, wanted

    def _fill_row(self, view: Any, name: str, table: Table, features: tuple[str, ...]) -> None:
        view.entity_id = name
        row = table.rows.get(name)
        for feature in features:
            cell = view.data.add()
            value = None if row is None else row[table.features.index(feature)]
            if value is not None:
                fill(cell.value, value)
                cell.value.metadata.generate_time.seconds = self._written


def _header(path: str, features: tuple[str, ...]) -> Any:
    response = Response()
    response.header.entity_type = path
    for feature in features:
        response.header.feature_descriptors.add(id=feature)
    return response


async def _check_ids(names: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> None:
    problem = ""
    if len(names) > MAX_IDS:
        problem = f"The maximum number of entity IDs is {MAX_IDS}, but {len(names)} were given."
    elif not names or "" in names:
        problem = "entity_ids must not be empty, nor may any of them."
    if problem:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)


async def _check_features(
    wanted: Iterable[str], table: Table, context: "grpc.aio.ServicerContext[Any, Any]"
) -> None:
    unknown = [feature for feature in wanted if feature not in table.features]
    if unknown:
        text = f"Feature(s) `{', '.join(unknown)}` do not exist under the EntityType."
        await context.abort(grpc.StatusCode.NOT_FOUND, text)


def _value(value: Any) -> Value:
    kind = value.WhichOneof("value")
    found: Value = getattr(value, kind) if kind else None
    return found
