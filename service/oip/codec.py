"""POST /v2/models/{model}/infer: tensors in JSON or as bytes after it, and plain errors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bandit import Models
from bandit.posterior import Column
from idcolumn import IdColumn, split_tensor
from service.errors import MalformedBody, Problem
from service.media import JSON_MEDIA, TENSOR_MEDIA, require_media
from service.oip.answer import HEADER_LENGTH, naming, write_answer
from service.oip.lookup import find_model
from service.oip.request import TensorRequest, read_request
from service.oip.tensors import IDS
from service.reply import JSON, Headers
from service.request import fit

__all__ = ["TensorCodec"]

MAX_DIGITS = 12
MAX_KNOWN = 64
MAX_KNOWN_BYTES = 1024
MEDIA = (JSON_MEDIA, TENSOR_MEDIA)
NO_IDS = IdColumn.from_list([])


class TensorCodec:
    """See `service.codec.Codec`."""

    protocol = "oip"

    def __init__(self, models: Models) -> None:
        self.models = models
        self._named = {name: naming(model) for name, model in models.by_name.items()}
        # requests of a client mostly differ in their ids alone; by model and the rest of the JSON
        self._known: dict[tuple[str, bytes], TensorRequest] = {}

    def check(self, headers: dict[bytes, bytes]) -> None:
        """Refuse what is neither JSON nor tensors."""
        require_media(headers, MEDIA)

    def decode(
        self, path: Mapping[str, str], headers: dict[bytes, bytes], body: bytes
    ) -> TensorRequest:
        """Read a JSON object, and the ids from it or from what follows it."""
        model = find_model(self.models, path)
        start = _json_size(headers.get(HEADER_LENGTH), len(body))
        parts = split_tensor(body, start, IDS) if start < len(body) else None
        if parts is None:
            return read_request(_parsed(body[:start]), model, None, body, start)
        ids, rest = parts
        known = self._known.get((model.name, rest))
        if known is not None and fit(ids, model):
            return known.about(ids)
        request = read_request(_parsed(body[:start]), model, ids, body, start)
        self._keep(rest, request)
        return request

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
        named = self._named[request.model.name]
        return write_answer(named, request, decision_id, scores, order, missing, degraded)

    def refuse(self, problem: Problem, decision_id: str | None) -> tuple[Headers, bytes]:
        """Write an error object."""
        return [JSON], orjson.dumps({"error": f"{problem.title}: {problem.detail}"})

    def _keep(self, rest: bytes, request: TensorRequest) -> None:
        """Know a request again by what it says of its ids, within bounds whoever sends what."""
        if len(rest) > MAX_KNOWN_BYTES:
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[request.model.name, rest] = request.about(NO_IDS)


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(str(error)) from None


def _json_size(header: bytes | None, size: int) -> int:
    """Return how many bytes of a body of this size are JSON."""
    if header is None:
        return size
    if header.isdigit() and len(header) <= MAX_DIGITS and (start := int(header)) <= size:
        return start
    shown = header[:MAX_DIGITS].decode("latin-1")
    raise MalformedBody(
        f"{HEADER_LENGTH.decode()} is {shown!r}, must be an integer from 0 to {size}, "
        "the size of the body"
    )
