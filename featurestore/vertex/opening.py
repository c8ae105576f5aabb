"""Stores by their kind, with the client package imported only here."""

from featurestore.errors import StoreUnavailable
from featurestore.store import FeatureStore
from featurestore.vertex.settings import VertexSettings

__all__ = ["MISSING", "open_store"]

MISSING = "needs the package google-cloud-aiplatform: pip install 'bandit-serve[vertex]'"


def open_store(kind: str, settings: VertexSettings) -> FeatureStore:
    """Make the store of a kind; it connects when it is first asked.

    Importing the client takes seconds and 80-130 MB, so call this when a process starts.

    Parameters
    ----------
    kind : str
        "vertex" or "vertex-legacy".
    settings : VertexSettings
        What the kind needs must be there: see `VertexSettings.problems`.

    Raises
    ------
    ValueError
        The settings lack or misstate something; every problem is listed.
    StoreUnavailable
        The client package is not installed.
    """
    if problems := settings.problems(kind):
        raise ValueError("; ".join(problems))
    try:
        if kind == "vertex-legacy":
            from featurestore.vertex.legacy import VertexLegacyStore

            return VertexLegacyStore(settings)
        from featurestore.vertex.current import VertexStore

        return VertexStore(settings)
    except ImportError as error:
        raise StoreUnavailable(f"the store {kind!r} {MISSING} ({error})") from error
