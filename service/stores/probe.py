"""Proof that a store answers, and has what the models need."""

from collections.abc import Iterable
from typing import TypeAlias

from bandit import Models
from featurestore import FeatureStore
from idcolumn import IdColumn

__all__ = ["Needed", "needed_by", "probe"]

Needed: TypeAlias = Iterable[tuple[str, tuple[str, ...]]]

NO_IDS = IdColumn.from_list([])


def needed_by(models: Models) -> set[tuple[str, tuple[str, ...]]]:
    """Return each table that a model reads, with the features that it reads there."""
    return {(model.entity_type, model.features) for model in models.by_name.values()}


async def probe(store: FeatureStore, needed: Needed, deadline: float) -> None:
    """Prove that the store answers and, where it can tell, has the features.

    Raises
    ------
    StoreError
        It doesn't, by `deadline`, an instant of `time.monotonic()`.
    """
    await store.check(deadline)
    for entity_type, features in needed:
        await store.fetch(entity_type, NO_IDS, features, deadline)
