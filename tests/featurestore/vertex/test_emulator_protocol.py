"""The emulator, asked by Google's own clients."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import InvalidArgument, NotFound
from google.cloud import aiplatform_v1, aiplatform_v1beta1
from google.cloud.aiplatform_v1.services import (
    feature_online_store_service as fetching,
)
from google.cloud.aiplatform_v1.services import (
    featurestore_online_serving_service as serving_service,
)
from google.cloud.aiplatform_v1beta1.services import feature_online_store_service as streaming

from featurestore.vertex.emulator import Emulator
from tests.featurestore.vertex.emulators import emulator

pytestmark = pytest.mark.anyio

ROWS = {f"id{i}": (1.0 + i, 2 + i) for i in range(100)}
PARENT = "projects/p/locations/l"
ENTITY_TYPE = f"{PARENT}/featurestores/f/entityTypes/article"
FEATURE_VIEW = f"{PARENT}/featureOnlineStores/s/featureViews/article"
EVERY: dict[str, Any] = {"id_matcher": {"ids": ["*"]}}
ONCE: dict[str, Any] = {"retry": None, "timeout": 30.0}


@pytest.fixture
async def serving() -> AsyncIterator[Emulator]:
    async with emulator({"article": (("alpha", "clicks"), ROWS)}) as one:
        yield one


@pytest.fixture
async def channel(serving: Emulator) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{serving.port}") as opened:
        yield opened


async def test_legacy_values_are_written_and_read(channel: grpc.aio.Channel) -> None:
    transport = serving_service.transports.FeaturestoreOnlineServingServiceGrpcAsyncIOTransport
    client = aiplatform_v1.FeaturestoreOnlineServingServiceAsyncClient(
        transport=transport(channel=channel)
    )
    payload = {"entity_id": "new", "feature_values": {"clicks": {"int64_value": 7}}}
    written = {"entity_type": ENTITY_TYPE, "payloads": [payload]}
    await client.write_feature_values(written, **ONCE)
    for name, values in (
        ("id3", [(True, 4.0, 0), (True, 0, 5)]),
        ("new", [(False, 0, 0), (True, 0, 7)]),
    ):
        asked: dict[str, Any] = {"entity_type": ENTITY_TYPE, "entity_id": name}
        asked |= {"feature_selector": EVERY}
        answer = await client.read_feature_values(asked, **ONCE)
        assert [one.id for one in answer.header.feature_descriptors] == ["alpha", "clicks"]
        cells = answer.entity_view.data
        got = [("value" in cell, cell.value.double_value, cell.value.int64_value) for cell in cells]
        assert got == values
    asked["feature_selector"] = {"id_matcher": {"ids": ["beta"]}}
    with pytest.raises(NotFound, match="`beta` do not exist under the EntityType"):
        await client.read_feature_values(asked, **ONCE)


async def test_a_legacy_stream_has_a_header_and_a_message_for_each_id(
    channel: grpc.aio.Channel,
) -> None:
    transport = serving_service.transports.FeaturestoreOnlineServingServiceGrpcAsyncIOTransport
    client = aiplatform_v1.FeaturestoreOnlineServingServiceAsyncClient(
        transport=transport(channel=channel)
    )
    asked = {
        "entity_type": ENTITY_TYPE,
        "entity_ids": ["id1", "unknown"],
        "feature_selector": EVERY,
    }
    stream = await client.streaming_read_feature_values(asked, **ONCE)
    messages = [message async for message in stream]
    assert ["header" in message for message in messages] == [True, False, False]
    assert [message.entity_view.entity_id for message in messages] == ["", "id1", "unknown"]
    asked["entity_ids"] = ["a"] * 101
    with pytest.raises(InvalidArgument, match="maximum number of entity IDs is 100"):
        await client.streaming_read_feature_values(asked, **ONCE)


async def test_a_feature_view_gives_all_features_of_a_key(channel: grpc.aio.Channel) -> None:
    transport = fetching.transports.FeatureOnlineStoreServiceGrpcAsyncIOTransport
    client = aiplatform_v1.FeatureOnlineStoreServiceAsyncClient(
        transport=transport(channel=channel)
    )
    asked = {"feature_view": FEATURE_VIEW, "data_key": {"key": "id3"}}
    answer = await client.fetch_feature_values(asked, **ONCE)
    assert [pair.name for pair in answer.key_values.features] == ["alpha", "clicks"]
    with pytest.raises(NotFound):
        await client.fetch_feature_values({**asked, "data_key": {"key": "x"}}, **ONCE)
    with pytest.raises(InvalidArgument, match="is not the name of such a resource"):
        await client.fetch_feature_values({**asked, "feature_view": "article"}, **ONCE)


async def test_a_stream_of_requests_is_answered_out_of_order(channel: grpc.aio.Channel) -> None:
    transport = streaming.transports.FeatureOnlineStoreServiceGrpcAsyncIOTransport
    client = aiplatform_v1beta1.FeatureOnlineStoreServiceAsyncClient(
        transport=transport(channel=channel)
    )

    async def requests() -> AsyncIterator[dict[str, Any]]:
        for names in ([*ROWS][:50], [*ROWS][50:99], ["unknown"]):
            yield aiplatform_v1beta1.StreamingFetchFeatureValuesRequest(
                feature_view=FEATURE_VIEW, data_keys=[{"key": name} for name in names]
            )

    answers = await client.streaming_fetch_feature_values(requests=requests(), **ONCE)
    messages = [message async for message in answers]
    names = [row.data_key.key for message in messages for row in message.data]
    assert sorted(names) == sorted([*ROWS][:99])
    assert names != [*ROWS][:99]
    failed = [message for message in messages if message.data_keys_with_error]
    assert [key.key for key in failed[0].data_keys_with_error] == ["unknown"]
    assert failed[0].status.code == grpc.StatusCode.NOT_FOUND.value[0]
