"""Requests and answers of the Open Inference Protocol with binary tensors, packed by hand."""

import json
import struct

import httpx
import numpy as np

HEADER = "inference-header-content-length"
INFER = "/v2/models/homepage/infer"


def packed(ids: list[str | bytes]) -> bytes:
    """Return a BYTES tensor."""
    encoded = [text.encode() if isinstance(text, str) else text for text in ids]
    return b"".join(struct.pack("<I", len(text)) + text for text in encoded)


def binary_request(
    ids: list[str | bytes], shape: list[int] | None = None, **fields: object
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers."""
    data = packed(ids)
    tensor = {"name": "ids", "shape": shape or [len(ids)], "datatype": "BYTES"}
    tensor["parameters"] = {"binary_data_size": len(data)}
    text = json.dumps({"inputs": [tensor], **fields}).encode()
    return text + data, {"content-type": "application/octet-stream", HEADER: str(len(text))}


def json_request(ids: list[str], **fields: object) -> dict[str, object]:
    """Return the JSON form."""
    tensor = {"name": "ids", "shape": [len(ids)], "datatype": "BYTES", "data": ids}
    return {"inputs": [tensor], **fields}


def unpacked(answer: httpx.Response) -> tuple[dict[str, object], dict[str, object]]:
    """Return an answer's JSON and its tensors by name, whichever form they came in."""
    size = int(answer.headers.get(HEADER, len(answer.content)))
    document, rest = json.loads(answer.content[:size]), answer.content[size:]
    tensors: dict[str, object] = {}
    for output in document["outputs"]:
        data = output.get("data")
        if data is None:
            length = output["parameters"]["binary_data_size"]
            data, rest = _values(output["datatype"], rest[:length]), rest[length:]
        tensors[output["name"]] = data
        assert output["shape"] == [len(data)]
    assert rest == b""
    return document, tensors


def _values(datatype: str, data: bytes) -> list[object]:
    if datatype != "BYTES":
        return np.frombuffer(data, {"FP32": "<f4", "FP64": "<f8"}[datatype]).tolist()
    values: list[object] = []
    while data:
        (length,) = struct.unpack("<I", data[:4])
        values.append(data[4 : 4 + length].decode())
        data = data[4 + length :]
    return values
