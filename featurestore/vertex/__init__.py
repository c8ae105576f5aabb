"""Vertex AI Feature Store: its settings, and the stores that read from either generation of it.

Nothing of Google's is imported before a store is opened.
"""

from featurestore.vertex.opening import MISSING, open_store
from featurestore.vertex.settings import KINDS, VertexSettings

__all__ = ["KINDS", "MISSING", "VertexSettings", "open_store"]
