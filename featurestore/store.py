"""The contract that every feature store keeps."""

from typing import Protocol, runtime_checkable

from featurestore.batch import FeatureBatch
from idcolumn import IdColumn

__all__ = ["FeatureStore"]


@runtime_checkable
class FeatureStore(Protocol):
    """Features of entities, fetched a column of ids at a time."""

    async def fetch(
        self, entity_type: str, ids: IdColumn, features: tuple[str, ...], deadline: float
    ) -> FeatureBatch:
        """Read the features of every id, in the order of the ids.

        Parameters
        ----------
        entity_type : str
            The table; of an unknown one nothing is found.
        ids : IdColumn
            n ids, repeated ones allowed.
        features : tuple of str
            f names, the columns of the answer.
        deadline : float
            Instant of `time.monotonic()`; rows that can't be had until then are marked late, and
            when it has passed already, all are.

        Returns
        -------
        FeatureBatch
            Exactly n rows. Cancelling the fetch leaves nothing behind.

        Raises
        ------
        UnknownFeature
            The table is known and lacks a feature.
        StoreError
            The store failed; being late is no failure.
        """
        ...

    async def check(self, deadline: float) -> None:
        """Prove that the store answers.

        Raises
        ------
        StoreError
            It does not, or not until `deadline` (an instant of `time.monotonic()`).
        """
        ...

    async def close(self) -> None:
        """Give back what the store holds; a second close does nothing."""
        ...
