"""POST /v2/models/{model}/infer: tensors in JSON or as bytes after it, and plain errors."""

from collections.abc import Mapping

import numpy as np
import orjson
from numpy.typing import NDArray

from bandit import Models
from bandit.posterior import Column
from service.errors import MalformedBody, Problem
from service.media import JSON_MEDIA, TENSOR_MEDIA, require_media
from service.oip.answer import HEADER_LENGTH, write_answer
from service.oip.lookup import find_model
from service.oip.request import TensorRequest, read_request
from service.reply import JSON, Headers

__all__ = ["TensorCodec"]

MAX_DIGITS = 12


class TensorCodec:
    """See `service.codec.Codec`."""

    protocol = "oip"

    def __init__(self, models: Models) -> None:
        self.models = models

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Refuse what is neither JSON nor tensors."""
        require_media(headers, JSON_MEDIA, TENSOR_MEDIA)

    def decode(
        self, path: Mapping[str, str], headers: Mapping[bytes, bytes], body: bytes
    ) -> TensorRequest:
        """Read a JSON object, and the ids from it or from what follows it."""
        model = find_model(self.models, path)
        start = _json_size(headers.get(HEADER_LENGTH), len(body))
        try:
            envelope = orjson.loads(body[:start])
        except orjson.JSONDecodeError as error:
            raise MalformedBody(str(error)) from None
        return read_request(envelope, model, body, start)

    def encode(
        self,
        request: TensorRequest,
        decision_id: str,
        scores: Column,
        order: NDArray[np.int64] | None,
        missing: int,
        degraded: int,
    ) -> tuple[Headers, bytes]:
        """Write a JSON object, and after it the tensors wanted as bytes."""
        return write_answer(request, decision_id, scores, order, missing, degraded)

    def refuse(self, problem: Problem, decision_id: str | None) -> tuple[Headers, bytes]:
        """Write an error object."""
        return [JSON], orjson.dumps({"error": f"{problem.title}: {problem.detail}"})


def _json_size(header: bytes | None, size: int) -> int:
    """Return how many bytes of a body of this size are JSON."""
    if header is None:
        return size
    if header.isdigit() and len(header) <= MAX_DIGITS and int(header) <= size:
        return int(header)
    shown = header[:MAX_DIGITS].decode("latin-1")
    raise MalformedBody(
        f"{HEADER_LENGTH.decode()} is {shown!r}, must be an integer from 0 to {size}, "
        "the size of the body"
    )
