"""The hot tier: a bounded table in memory from an id's hashes to its features."""

from ._core import FeatureTable

__all__ = ["FeatureTable"]
