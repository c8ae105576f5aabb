"""NVIDIA's client of the Open Inference Protocol against the service."""

import numpy as np
import pytest

http = pytest.importorskip("tritonclient.http", reason="pip install 'tritonclient[http]'")
utils = pytest.importorskip("tritonclient.utils", reason="pip install 'tritonclient[http]'")

IDS = ["c1", "c2", "Élise", "c3"]


@pytest.fixture
def client(service):
    with http.InferenceServerClient(service.url.removeprefix("http://")) as made:
        yield made


def tensor(ids: list[str], shape: list[int], binary: bool):
    made = http.InferInput("ids", shape, "BYTES")
    made.set_data_from_numpy(np.array(ids, object).reshape(shape), binary_data=binary)
    return made


def test_server_and_models(client) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("homepage", "3")
    assert not client.is_model_ready("nobody")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("homepage", "3")["inputs"][0]["name"] == "ids"


@pytest.mark.parametrize("shape", [[4], [1, 4], [4, 1]])
@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_infer(client, service, shape: list[int], binary_in: bool, binary_out: bool) -> None:
    result = client.infer(
        "homepage",
        [tensor(IDS, shape, binary_in)],
        outputs=[
            http.InferRequestedOutput(name, binary_data=binary_out)
            for name in ("scores", "candidates")
        ],
        request_id="r-1",
        parameters={"decision_id": "d-1", "order": "score"},
    )
    predicted = service.predict(IDS, decision_id="d-1")
    scores, candidates = result.as_numpy("scores"), result.as_numpy("candidates")
    assert scores.dtype == np.float32
    assert scores.tolist() == np.array(predicted["scores"], np.float32).tolist()
    names = [name.decode() if binary_out else name for name in candidates.tolist()]
    assert names == predicted["candidates"]
    assert result.get_response()["id"] == "r-1"
    assert result.get_response()["parameters"]["missing"] == 1


def test_infer_as_the_client_does_by_itself(client, service) -> None:
    result = client.infer("homepage", [tensor(IDS, [4], True)], model_version="3")
    decision_id = result.get_response()["parameters"]["decision_id"]
    predicted = service.predict(IDS, decision_id=decision_id, order="input")
    expected = np.array(predicted["scores"], np.float32)
    assert result.as_numpy("scores").tolist() == expected.tolist()


def test_errors_reach_the_caller(client) -> None:
    with pytest.raises(utils.InferenceServerException, match="there is no model 'nobody'"):
        client.infer("nobody", [tensor(IDS, [4], True)])
    with pytest.raises(utils.InferenceServerException, match="timeout: is not a parameter") as info:
        client.infer("homepage", [tensor(IDS, [4], True)], timeout=5)
    assert info.value.status() == "422"
    with pytest.raises(utils.InferenceServerException, match="content-encoding is 'gzip'"):
        client.infer("homepage", [tensor(IDS, [4], True)], request_compression_algorithm="gzip")
