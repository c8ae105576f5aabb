"""The answer to an inference request: a JSON object, and after it the tensors wanted as bytes."""

import numpy as np
import orjson
from numpy.typing import NDArray

from bandit import Model
from bandit.posterior import Column
from idcolumn import numbers_to_json
from service.media import TENSOR_MEDIA
from service.oip.request import TensorRequest
from service.oip.tensors import BYTES, FLOATS, SCORES
from service.reply import JSON, Headers

__all__ = ["HEADER_LENGTH", "naming", "write_answer"]

HEADER_LENGTH = b"inference-header-content-length"  # bytes of the JSON, where tensors follow it
TENSORS = (b"content-type", TENSOR_MEDIA)

Order = NDArray[np.int64] | None


def naming(model: Model) -> bytes:
    """Return the start of the answers of a model, for `write_answer`."""
    named = orjson.dumps({"model_name": model.name, "model_version": model.version})
    return named[:-1] + b',"parameters":{"decision_id":'


def write_answer(
    named: bytes,
    request: TensorRequest,
    decision_id: str,
    scores: Column,
    order: Order,
    missing: int,
    degraded: int,
) -> tuple[Headers, bytes]:
    """Return the answer as headers and a body; `named` is the naming of the request's model."""
    ranked = scores if order is None else scores[order]
    tensors: list[bytes] = []
    outputs = b",".join(
        [_tensor(name, request, ranked, order, tensors) for name in request.outputs]
    )
    end = b"]}" if request.id is None else b'],"id":' + orjson.dumps(request.id) + b"}"
    counted = _counted(missing, degraded)
    text = b"".join((named, orjson.dumps(decision_id), counted, outputs, end))
    if not tensors:
        return [JSON], text
    length = f"{len(text)}".encode()
    return [TENSORS, (HEADER_LENGTH, length)], text + b"".join(tensors)


def _counted(missing: int, degraded: int) -> bytes:
    more = f'true,"degraded_candidates":{degraded}' if degraded else "false"
    return f',"missing":{missing},"degraded":{more}}},"outputs":['.encode()


def _tensor(
    name: str, request: TensorRequest, scores: Column, order: Order, tensors: list[bytes]
) -> bytes:
    """Describe a tensor: with its data, or these added to `tensors` if they are wanted as bytes."""
    is_scores = name == SCORES
    kind = FLOATS[request.model.precision] if is_scores else BYTES
    start = f'{{"name":"{name}","datatype":"{kind}","shape":[{len(scores)}],'
    if request.outputs[name]:
        data = scores.tobytes() if is_scores else request.ids.to_tensor(order)
        tensors.append(data)
        return f'{start}"parameters":{{"binary_data_size":{len(data)}}}}}'.encode()
    text = numbers_to_json(scores) if is_scores else request.ids.to_json(order)
    return start.encode() + b'"data":' + text + b"}"
