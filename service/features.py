# cython: annotation_typing=True
"""Features for a request, whatever becomes of the store."""

import logging

from featurestore import FeatureStore, Lost, StoreError
from featurestore.batch import FeatureBatch
from service.errors import FeaturesUnavailable
from service.request import PredictRequest

__all__ = ["fetch_features"]

log = logging.getLogger("bandit_serve.features")


async def fetch_features(
    store: FeatureStore, request: PredictRequest, deadline: float
) -> FeatureBatch:
    """Return the features of the request's candidates.

    A store that is late or failing costs its rows, marked `lost`, unless the model forbids it:
    then FeaturesUnavailable is raised.
    """
    model = request.model
    entities = request.ids
    if model.entity.text != "{candidate}":
        entities = entities.affix(*model.entity.affixes(request.context))
    try:
        batch = await store.fetch(model.entity_type, entities, model.features, deadline)
    except StoreError as error:
        log.error("the feature store failed", extra={"model": model.name, "error": str(error)})
        batch = FeatureBatch.nothing(len(entities), len(model.features), Lost.FAILED)
    if not model.degrade and (lost := batch.tally()[1]):
        raise FeaturesUnavailable(f"features of {lost} candidates could not be had in time")
    return batch
