"""What both generations of the service have in common: a fetch around their calls."""

import time
from abc import ABC, abstractmethod

import grpc

from featurestore.batch import FeatureBatch, Lost
from featurestore.errors import StoreError
from featurestore.invalid import InvalidLog
from featurestore.vertex.answers import Answers
from featurestore.vertex.connections import Connections
from featurestore.vertex.failures import CallFailed, translated
from featurestore.vertex.settings import VertexSettings, is_segment
from idcolumn import IdColumn

__all__ = ["Adapter"]

LATE = grpc.StatusCode.DEADLINE_EXCEEDED
NOT_FOUND = grpc.StatusCode.NOT_FOUND
ANSWERS = (NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
CHECKED_ID = "bandit-serve-check"


class Adapter(ABC):
    """A `FeatureStore` over calls that a subclass makes.

    Attributes
    ----------
    settings : VertexSettings
    connections : Connections
    """

    def __init__(self, settings: VertexSettings) -> None:
        self.settings = settings
        self.connections = Connections(settings)
        self._invalid = InvalidLog()

    @abstractmethod
    def resource(self, entity_type: str) -> str:
        """Path of the table."""
        ...

    @abstractmethod
    async def read(
        self, entity_type: str, answers: Answers, features: tuple[str, ...], deadline: float
    ) -> None:
        """Ask for `answers.asked`, which is not empty, and put what comes into `answers`.

        Raises
        ------
        CallFailed
            The call as a whole failed; NOT_FOUND stands for the table.
        UnknownFeature
            The table lacks a feature.
        """
        ...

    @abstractmethod
    async def probe(self, entity_type: str, name: str, deadline: float) -> None:
        """Ask for one id and forget the answer; raises `CallFailed`."""
        ...

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """See `FeatureStore.fetch`; the service refuses more than 100 different ids."""
        if not time.monotonic() < deadline:
            return FeatureBatch.nothing(len(ids), len(features), Lost.LATE)
        answers, late = Answers(ids, len(features)), False
        if answers.asked and is_segment(entity_type):
            late = await self._read(entity_type, answers, features, deadline)
        batch = answers.batch(late)
        self._invalid.note(entity_type, batch.invalid)
        return batch

    async def check(self, deadline: float) -> None:
        """See `FeatureStore.check`: reads one id, and that there is no such id is an answer."""
        table = self.settings.check_entity_type
        try:
            await self.probe(table, CHECKED_ID, deadline)
        except CallFailed as failure:
            if failure.code not in ANSWERS:
                raise self._error(failure, table) from failure

    async def close(self) -> None:
        """See `FeatureStore.close`."""
        await self.connections.close()

    async def _read(
        self, entity_type: str, answers: Answers, features: tuple[str, ...], deadline: float
    ) -> bool:
        """Read, and tell whether the deadline came before the end of the answer."""
        try:
            await self.read(entity_type, answers, features, deadline)
        except CallFailed as failure:
            if failure.code not in (LATE, NOT_FOUND):
                raise self._error(failure, entity_type) from failure
            return failure.code is LATE
        if (common := answers.failure()) is not None:
            raise self._error(common, entity_type) from common
        return False

    def _error(self, failure: CallFailed, entity_type: str) -> StoreError:
        return translated(failure, self.resource(entity_type), self.settings.project)
