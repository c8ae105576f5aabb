"""What the endpoint of predictions has to know of a protocol."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bandit.posterior import Column
from service.catalogs.request import CatalogRequest
from service.errors import Problem
from service.reply import Headers
from service.request import PredictRequest

__all__ = ["Codec", "Request"]

Request = TypeVar("Request", bound=PredictRequest)


class Codec(Protocol[Request]):
    """Reads the requests of one protocol and writes its answers, each as headers and a body.

    Attributes
    ----------
    protocol : str
        Its name in the metrics.
    """

    protocol: str

    def check(self, headers: dict[bytes, bytes]) -> None:
        """Raise UnsupportedMediaType if the headers announce a body that can't be read."""
        ...

    def decode(
        self, path: Mapping[str, str], headers: dict[bytes, bytes], body: bytes
    ) -> Request | CatalogRequest:
        """Return the request, or raise a Problem; `path` has the names found in the path."""
        ...

    def encode(
        self,
        request: Request,
        decision_id: str,
        scores: Column,
        order: NDArray[np.int64] | None,
        missing: int,
        degraded: int,
    ) -> tuple[Headers, bytes]:
        """Return the answer; `order` None answers all scores as the candidates were sent."""
        ...

    def refuse(self, problem: Problem, decision_id: str | None) -> tuple[Headers, bytes]:
        """Return what tells of a problem."""
        ...
