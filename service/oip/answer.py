"""The answer to an inference request: a JSON object, and after it the tensors wanted as bytes."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bandit.posterior import Column
from idcolumn import numbers_to_json
from service.media import TENSOR_MEDIA
from service.oip.request import TensorRequest
from service.oip.tensors import BYTES, SCORES, score_type
from service.reply import JSON, Headers

__all__ = ["HEADER_LENGTH", "write_answer"]

HEADER_LENGTH = b"inference-header-content-length"  # bytes of the JSON, where tensors follow it
TENSORS = (b"content-type", TENSOR_MEDIA)

Order = NDArray[np.int64] | None


def write_answer(
    request: TensorRequest,
    decision_id: str,
    scores: Column,
    order: Order,
    missing: int,
    degraded: int,
) -> tuple[Headers, bytes]:
    """Return the answer as headers and a body."""
    ranked = scores if order is None else scores[order]
    tensors: list[bytes] = []
    answer: dict[str, Any] = {
        "model_name": request.model.name,
        "model_version": request.model.version,
        "parameters": {"decision_id": decision_id, "missing": missing, "degraded": degraded > 0},
        "outputs": [_tensor(name, request, ranked, order, tensors) for name in request.outputs],
    }
    if request.id is not None:
        answer["id"] = request.id
    if degraded:
        answer["parameters"]["degraded_candidates"] = degraded
    text = orjson.dumps(answer)
    if not tensors:
        return [JSON], text
    return [TENSORS, (HEADER_LENGTH, b"%d" % len(text))], b"".join([text, *tensors])


def _tensor(
    name: str, request: TensorRequest, scores: Column, order: Order, tensors: list[bytes]
) -> dict[str, Any]:
    """Describe a tensor: with its data, or these added to `tensors` if they are wanted as bytes."""
    is_scores = name == SCORES
    tensor: dict[str, Any] = {
        "name": name,
        "datatype": score_type(request.model) if is_scores else BYTES,
        "shape": [len(scores)],
    }
    if request.outputs[name]:
        data = scores.tobytes() if is_scores else request.ids.to_tensor(order)
        tensor["parameters"] = {"binary_data_size": len(data)}
        tensors.append(data)
    else:
        text = numbers_to_json(scores) if is_scores else request.ids.to_json(order)
        tensor["data"] = orjson.Fragment(text)
    return tensor
