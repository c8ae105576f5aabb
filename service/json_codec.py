"""The protocol of POST /predict: JSON, and problem documents."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bandit import Models
from bandit.posterior import Column
from service.catalogs.catalog import Catalogs
from service.catalogs.request import CatalogRequest
from service.errors import Problem
from service.media import JSON_MEDIA, require_media
from service.reply import JSON, PROBLEM_JSON, Headers
from service.request import PredictRequest
from service.wire import naming, read_request, write_answer

__all__ = ["JsonCodec"]


MEDIA = (JSON_MEDIA,)


class JsonCodec:
    """See `service.codec.Codec`."""

    protocol = "predict"

    def __init__(self, models: Models, catalogs: Catalogs) -> None:
        self.models = models
        self.catalogs = catalogs
        self._named = {name: naming(model) for name, model in models.by_name.items()}

    def check(self, headers: dict[bytes, bytes]) -> None:
        """Refuse what isn't JSON in UTF-8."""
        require_media(headers, MEDIA)

    def decode(
        self, path: Mapping[str, str], headers: dict[bytes, bytes], body: bytes
    ) -> PredictRequest | CatalogRequest:
        """Read a JSON object."""
        return read_request(body, self.models, self.catalogs)

    def encode(
        self,
        request: PredictRequest,
        decision_id: str,
        scores: Column,
        order: NDArray[np.int64] | None,
        missing: int,
        degraded: int,
    ) -> tuple[Headers, bytes]:
        """Write a JSON object."""
        named = self._named[request.model.name]
        return [JSON], write_answer(named, request, decision_id, scores, order, missing, degraded)

    def refuse(self, problem: Problem, decision_id: str | None) -> tuple[Headers, bytes]:
        """Write a problem document (RFC 9457)."""
        return [PROBLEM_JSON], problem.body(decision_id)
