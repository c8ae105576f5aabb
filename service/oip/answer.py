"""The answer to an inference request: a JSON object, and after it the tensors wanted as bytes."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bandit.posterior import Column
from idcolumn import numbers_to_json
from service.media import TENSOR_MEDIA
from service.oip.request import Output, TensorRequest
from service.oip.tensors import BYTES, SCORES, score_type
from service.reply import JSON, Headers

__all__ = ["HEADER_LENGTH", "write_answer"]

HEADER_LENGTH = b"inference-header-content-length"  # bytes of the JSON, where tensors follow it
TENSORS = (b"content-type", TENSOR_MEDIA)

Tensor = tuple[dict[str, Any], bytes]  # its description and, unless that has its data, its bytes


def write_answer(
    request: TensorRequest,
    decision_id: str,
    scores: Column,
    order: NDArray[np.int64] | None,
    missing: int,
    degraded: int,
) -> tuple[Headers, bytes]:
    """Return the answer as headers and a body."""
    ranked = scores if order is None else scores[order]
    tensors = [_tensor(output, request, ranked, order) for output in request.outputs]
    answer: dict[str, Any] = {
        "model_name": request.model.name,
        "model_version": request.model.version,
        "parameters": {"decision_id": decision_id, "missing": missing, "degraded": degraded > 0},
        "outputs": [description for description, _ in tensors],
    }
    if request.id is not None:
        answer["id"] = request.id
    if degraded:
        answer["parameters"]["degraded_candidates"] = degraded
    text = orjson.dumps(answer)
    if not any(output.binary for output in request.outputs):
        return [JSON], text
    body = b"".join([text, *(data for _, data in tensors)])
    return [TENSORS, (HEADER_LENGTH, b"%d" % len(text))], body


def _tensor(
    output: Output, request: TensorRequest, scores: Column, order: NDArray[np.int64] | None
) -> Tensor:
    is_scores = output.name == SCORES
    tensor: dict[str, Any] = {
        "name": output.name,
        "datatype": score_type(request.model) if is_scores else BYTES,
        "shape": [len(scores)],
    }
    if output.binary:
        data = scores.tobytes() if is_scores else request.ids.to_tensor(order)
        return {**tensor, "parameters": {"binary_data_size": len(data)}}, data
    text = numbers_to_json(scores) if is_scores else request.ids.to_json(order)
    return {**tensor, "data": orjson.Fragment(text)}, b""
