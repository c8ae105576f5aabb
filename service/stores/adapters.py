"""The stores over a network, by kind: what each needs installed, its settings, and its opening."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from operator import methodcaller
from pathlib import Path
from typing import Any

from featurestore import FeatureStore, StoreUnavailable
from service.stores.kind import StoreKind

__all__ = ["ADAPTERS", "MOST_IDS", "Adapter"]

MOST_IDS = 100_000  # of one call, where the service has no limit of its own

# Modules are imported when a store is opened: some take seconds, and each needs its extra.


@dataclass(frozen=True, slots=True)
class Adapter:
    """A kind of store over a network.

    Attributes
    ----------
    section : str
        Of the configuration.
    modules, extra
        What must be importable, and what of this package installs it.
    make_settings : function of the section's values
        The adapter's settings, wrong ones too.
    list_problems : function of the settings
        What is wrong with them, each problem with the setting's name first.
    make_store : function of the settings
        The store, which connects when it is first asked.
    most_ids, usual_ids : int
        The ids of one call: the most, and how many where the settings leave it open.
    """

    section: str
    modules: tuple[str, ...]
    extra: str
    make_settings: Callable[[Mapping[str, Any]], Any]
    list_problems: Callable[[Any], list[str]]
    make_store: Callable[[Any], FeatureStore]
    most_ids: int = MOST_IDS
    usual_ids: int = 100

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """Return what keeps the store from being opened, each with the setting's name first."""
        if self.missing:
            return [f"{self.section} {self.missing}"]
        said = self.list_problems(self.make_settings(values))
        return [f"{self.section}.{problem}" for problem in said]

    @property
    def missing(self) -> str:
        """What to install, empty when all is there."""
        absent = ", ".join(module for module in self.modules if not _is_there(module))
        return f"needs {absent}: pip install 'bandit-serve[{self.extra}]'" if absent else ""

    def settings(self, values: Mapping[str, Any]) -> Any:
        """Make the settings; StoreUnavailable when a package is missing or a value is wrong."""
        if problems := self.problems(values):
            raise StoreUnavailable("; ".join(problems))
        return self.make_settings(values)

    def open(self, values: Mapping[str, Any]) -> FeatureStore:
        """Make the store; StoreUnavailable as `settings`."""
        settings = self.settings(values)
        try:
            return self.make_store(settings)
        except ValueError as error:  # a file may be gone since it was looked at
            raise StoreUnavailable(f"{self.section}: {error}") from error


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # what it is part of is not there
        return False


def _redis_settings(values: Mapping[str, Any]) -> Any:
    from featurestore.redis import RedisSettings

    return RedisSettings(**{**values, "seeds": tuple(values["seeds"])})


def _redis(settings: Any) -> FeatureStore:
    from featurestore.redis import RedisStore

    return RedisStore(settings)


def _vertex_settings(values: Mapping[str, Any]) -> Any:
    from featurestore.vertex import VertexSettings

    return VertexSettings(**values)


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
    StoreKind.REDIS: Adapter(
        "redis",
        ("hiredis", "redis"),
        "redis",
        _redis_settings,
        methodcaller("problems"),
        _redis,
        usual_ids=1_000,
    ),
    StoreKind.FEAST: Adapter(
        "feast", ("httpx",), "feast", _feast_settings, methodcaller("problems"), _feast
    ),
    **{
        kind: Adapter(
            "vertex",
            ("google.cloud.aiplatform_v1",),
            "vertex",
            _vertex_settings,
            methodcaller("problems", kind),
            _vertex(kind),
            most_ids=100,
        )
        for kind in (StoreKind.VERTEX, StoreKind.VERTEX_LEGACY)
    },
}
