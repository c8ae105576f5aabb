"""What has to be said about a Vertex AI Feature Store."""

import math
import re
from dataclasses import dataclass

__all__ = ["KINDS", "VertexSettings", "is_segment"]

KINDS = ("vertex", "vertex-legacy")

# Looser than the service's own rules: what can stand in a resource's path without splitting it.
_SEGMENT = re.compile(r"[A-Za-z0-9_.:-]{1,128}", re.ASCII)
_ENDPOINT = re.compile(r"[A-Za-z0-9_.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", re.ASCII)
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class VertexSettings:
    """Where a feature store is and how it is spoken to; entity types are named in each fetch.

    Attributes
    ----------
    project, location : str
        Project id or number, and region such as "europe-west4".
    featurestore : str
        Id of the featurestore that holds the entity types; kind "vertex-legacy".
    feature_online_store : str
        Id of the online store that holds the feature views; kind "vertex".
    endpoint : str
        host or host:port: the online store's public or private endpoint, or an emulator. Without
        one the location's: right for legacy stores and for Bigtable online stores.
    plaintext : bool
        Speak without TLS and without credentials: to an emulator, or a private endpoint.
    batch : bool
        Read up to 100 ids a call by StreamingFetchFeatureValues (v1beta1), else one id a call by
        FetchFeatureValues (v1). Kind "vertex" only.
    concurrency : int
        The most calls of one id in flight; without `batch`.
    channels : int
        Connections of each process. One connection carries about 100 calls at a time, and what
        holds one up holds up the calls on it only.
    stall_s : float
        A connection that has been silent for this long while calls came back late is replaced.
    check_entity_type : str
        Table that `check` reads from. It need not exist.
    """

    project: str
    location: str
    featurestore: str = ""
    feature_online_store: str = ""
    endpoint: str = ""
    plaintext: bool = False
    batch: bool = True
    concurrency: int = 32
    channels: int = 4
    stall_s: float = 1.0
    check_entity_type: str = "bandit_serve_check"

    @property
    def target(self) -> str:
        """Address to connect to, with a port."""
        host = self.endpoint or f"{self.location}-aiplatform.googleapis.com"
        return host if re.search(r":[0-9]+$", host) else f"{host}:{_HTTPS}"

    def entity_type_path(self, entity_type: str) -> str:
        """Resource of a legacy entity type."""
        return f"{self._parent}/featurestores/{self.featurestore}/entityTypes/{entity_type}"

    def feature_view_path(self, feature_view: str) -> str:
        """Resource of a feature view."""
        store = f"{self._parent}/featureOnlineStores/{self.feature_online_store}"
        return f"{store}/featureViews/{feature_view}"

    @property
    def _parent(self) -> str:
        return f"projects/{self.project}/locations/{self.location}"

    def problems(self, kind: str) -> list[str]:
        """List everything that keeps a store of this kind from being opened."""
        if kind not in KINDS:
            return [f"kind is {kind!r}, must be one of {', '.join(KINDS)}"]
        store = "featurestore" if kind == "vertex-legacy" else "feature_online_store"
        names = ("project", "location", store, "check_entity_type")
        said = [_misnamed(name, getattr(self, name)) for name in names]
        if self.endpoint and not _ENDPOINT.fullmatch(self.endpoint):
            said.append(f"endpoint is {self.endpoint!r}, must be host or host:port")
        if self.plaintext and not self.endpoint:
            said.append(
                "plaintext is True, must be False without an endpoint: Google's speak TLS only"
            )
        for name, most in (("concurrency", 1000), ("channels", 64)):
            if not 1 <= getattr(self, name) <= most:
                said.append(f"{name} is {getattr(self, name)}, must be from 1 to {most}")
        if not (self.stall_s > 0 and math.isfinite(self.stall_s)):
            said.append(f"stall_s is {self.stall_s}, must be finite and > 0")
        return [problem for problem in said if problem]


def is_segment(name: str) -> bool:
    """Whether a name can be one part of a resource's path; no table is called otherwise."""
    return _SEGMENT.fullmatch(name) is not None


def _misnamed(name: str, value: str) -> str:
    if is_segment(value):
        return ""
    return f"{name} is {value!r}, must be 1 to 128 letters, digits and any of _ . : -"
