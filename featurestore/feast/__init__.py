"""The adapter of Feast: features read from `feast serve` over HTTP."""

from featurestore.feast.settings import FeastSettings
from featurestore.feast.store import FeastStore

__all__ = ["FeastSettings", "FeastStore"]
