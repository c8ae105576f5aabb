"""The stores over a network, by kind: what each needs installed, its settings, and its opening."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from featurestore import FeatureStore, StoreUnavailable
from service.stores.kind import StoreKind

__all__ = ["ADAPTERS", "Adapter"]

# Modules are imported when a store is opened: some take seconds, and each needs its extra.


@dataclass(frozen=True, slots=True)
class Adapter:
    """A kind of store over a network.

    Attributes
    ----------
    section : str
        Of the configuration.
    module, extra : str
        What must be importable, and what of this package installs it.
    make_settings : function of the section's values
        The adapter's settings; ValueError lists what is wrong, separated by "; ".
    make_store : function of the settings
        The store, which connects when it is first asked.
    """

    section: str
    module: str
    extra: str
    make_settings: Callable[[Mapping[str, Any]], Any]
    make_store: Callable[[Any], FeatureStore]

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """Return what keeps the store from being opened, each with the setting's name first."""
        if self.missing:
            return [f"{self.section}: {self.missing}"]
        try:
            self.make_settings(values)
        except ValueError as error:
            return [f"{self.section}.{problem}" for problem in str(error).split("; ")]
        return []

    @property
    def missing(self) -> str:
        """What to install, empty when all is there."""
        root = self.module.partition(".")[0]
        there = find_spec(root) is not None and find_spec(self.module) is not None
        return "" if there else f"needs {self.module}: pip install 'bandit-serve[{self.extra}]'"

    def settings(self, values: Mapping[str, Any]) -> Any:
        """Make the settings; StoreUnavailable when the package is missing or a value is wrong."""
        if self.missing:
            raise StoreUnavailable(f"{self.section} {self.missing}")
        try:
            return self.make_settings(values)
        except ValueError as error:
            raise StoreUnavailable(f"{self.section}: {error}") from error

    def open(self, values: Mapping[str, Any]) -> FeatureStore:
        """Make the store; StoreUnavailable as `settings`."""
        return self.make_store(self.settings(values))


def _redis_settings(values: Mapping[str, Any]) -> Any:
    from featurestore.redis import RedisSettings

    return RedisSettings(**{**values, "seeds": tuple(values["seeds"])})


def _redis(settings: Any) -> FeatureStore:
    from featurestore.redis import RedisStore

    return RedisStore(settings)


def _vertex_settings(kind: StoreKind) -> Callable[[Mapping[str, Any]], Any]:
    def make(values: Mapping[str, Any]) -> Any:
        from featurestore.vertex import VertexSettings

        settings = VertexSettings(**values)
        if problems := settings.problems(kind):
            raise ValueError("; ".join(problems))
        return settings

    return make


def _vertex(kind: StoreKind) -> Callable[[Any], FeatureStore]:
    def make(settings: Any) -> FeatureStore:
        from featurestore.vertex import open_store

        return open_store(kind, settings)

    return make


def _feast_settings(values: Mapping[str, Any]) -> Any:
    from featurestore.feast import FeastSettings

    return FeastSettings(
        **{
            **values,
            "integer_keys": tuple(values["integer_keys"]),
            "tls_ca": Path(values["tls_ca"]) if values["tls_ca"] else None,
            "token": values["token"] or None,
        }
    )


def _feast(settings: Any) -> FeatureStore:
    from featurestore.feast import FeastStore

    return FeastStore(settings)


ADAPTERS = {
    StoreKind.REDIS: Adapter("redis", "hiredis", "redis", _redis_settings, _redis),
    StoreKind.FEAST: Adapter("feast", "httpx", "feast", _feast_settings, _feast),
    **{
        kind: Adapter(
            "vertex",
            "google.cloud.aiplatform_v1",
            "vertex",
            _vertex_settings(kind),
            _vertex(kind),
        )
        for kind in (StoreKind.VERTEX, StoreKind.VERTEX_LEGACY)
    },
}
