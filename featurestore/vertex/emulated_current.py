"""The serving service of Vertex AI Feature Store's online stores, emulated."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc
import grpc.aio
from google.cloud.aiplatform_v1beta1.types import feature_online_store_service as service

from featurestore.vertex.conduct import Conduct
from featurestore.vertex.emulated import Service, fill
from featurestore.vertex.tablefile import Table, Value

__all__ = ["CurrentService"]

NAME = "google.cloud.aiplatform.{}.FeatureOnlineStoreService"
PATH = re.compile(r"projects/[^/]+/locations/[^/]+/featureOnlineStores/[^/]+/featureViews/([^/]+)")
MAX_IDS = 100
ROWS = 25  # in one message of a streaming answer, which may have any number

FetchRequest = service.FetchFeatureValuesRequest.pb()
FetchResponse = service.FetchFeatureValuesResponse.pb()
StreamRequest = service.StreamingFetchFeatureValuesRequest.pb()
StreamResponse = service.StreamingFetchFeatureValuesResponse.pb()

NOT_FOUND = grpc.StatusCode.NOT_FOUND


class CurrentService(Service):
    """FetchFeatureValues, and StreamingFetchFeatureValues with its answers out of order."""

    def __init__(self, tables: Mapping[str, Table], conduct: Conduct, streaming: bool) -> None:
        super().__init__(tables, conduct)
        self._streaming = streaming

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """Return what a server needs to offer the methods."""
        fetch = grpc.unary_unary_rpc_method_handler(
            self._fetch, FetchRequest.FromString, FetchResponse.SerializeToString
        )
        stream = grpc.stream_stream_rpc_method_handler(
            self._stream, StreamRequest.FromString, StreamResponse.SerializeToString
        )
        beta = {"FetchFeatureValues": fetch}
        if self._streaming:
            beta["StreamingFetchFeatureValues"] = stream
        versions = {"v1": {"FetchFeatureValues": fetch}, "v1beta1": beta}
        return tuple(
            grpc.method_handlers_generic_handler(NAME.format(version), methods)
            for version, methods in versions.items()
        )

    async def _fetch(self, request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> Any:
        with self.traffic.counted():
            await self.suffer(context)
            table = await self.table(request.feature_view, PATH, context)
            row = table.rows.get(request.data_key.key)
            if row is None:
                text = "Requested entity was not found."
                await context.abort(NOT_FOUND, text)
                raise AssertionError("an aborted call goes no further")
            response = FetchResponse()
            _fill_row(response, table, row)
            return response

    async def _stream(
        self, requests: AsyncIterator[Any], context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> AsyncIterator[Any]:
        with self.traffic.counted():
            async for request in requests:
                await self.suffer(context)
                table = await self.table(request.feature_view, PATH, context)
                names = [key.key for key in request.data_keys]
                await _check_ids(names, context)
                for response in self._answers(table, names):
                    yield response

    def _answers(self, table: Table, names: list[str]) -> list[Any]:
        self.conduct.chance.shuffle(names)
        failed = [name for name in names if self.conduct.key_fails()]
        asked = [name for name in names if name not in failed]
        known = [name for name in asked if name in table.rows]
        unknown = [name for name in asked if name not in table.rows]
        code = grpc.StatusCode[self.conduct.error_code]
        answers = [_rows(table, known[i : i + ROWS]) for i in range(0, len(known), ROWS)]
        answers += [_failed(unknown, NOT_FOUND, "Requested entity was not found.")] * bool(unknown)
        answers += [_failed(failed, code, "an error made by the emulator")] * bool(failed)
        self.conduct.chance.shuffle(answers)
        return answers


def _rows(table: Table, names: list[str]) -> Any:
    response = StreamResponse()
    for name in names:
        row = response.data.add()
        row.data_key.key = name
        _fill_row(row, table, table.rows[name])
    return response


def _failed(names: list[str], code: grpc.StatusCode, details: str) -> Any:
    response = StreamResponse()
    response.status.code, response.status.message = code.value[0], details
    for name in names:
        response.data_keys_with_error.add(key=name)
    return response


def _fill_row(response: Any, table: Table, row: Sequence[Value]) -> None:
    for feature, value in zip(table.features, row, strict=True):
        pair = response.key_values.features.add(name=feature)
        if value is not None:
            fill(pair.value, value)


async def _check_ids(names: list[str], context: "grpc.aio.ServicerContext[Any, Any]") -> None:
    if len(names) > MAX_IDS:
        text = f"The maximum number of data keys is {MAX_IDS}, but {len(names)} were given."
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, text)
