"""Which store is meant by a folder, a URL, or the word for a kind of store."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from service.stores.kind import StoreKind

__all__ = ["StoreChoice", "parse_store"]

SCHEMES = ("redis", "rediss", "unix")
TLS_FILES = ("tls_ca", "tls_cert", "tls_key")
# What is taken for a server whose scheme was forgotten, and not for a folder.
SERVER = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}(/[0-9]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """Which store a command is about; what is None is as the settings say.

    Attributes
    ----------
    kind : StoreKind or None
        What holds the features.
    place : str or None
        A folder, or a URL.
    """

    kind: StoreKind | None = None
    place: str | None = None

    @property
    def overrides(self) -> dict[str, dict[str, Any]]:
        """Settings, by section, that make the configuration's store the one that is meant."""
        if self.kind is None:
            return {}
        store: dict[str, Any] = {"kind": self.kind.value}
        if self.place is None:
            return {"store": store}
        if self.kind is StoreKind.EMBEDDED:
            return {"store": {**store, "path": self.place}}
        # A URL that is given is that of a single server.
        redis = {"url": self.place, "cluster": False, "seeds": []}
        files = {} if self.place.startswith("rediss:") else dict.fromkeys(TLS_FILES, "")
        return {"store": store, "redis": {**redis, **files}}


def parse_store(text: str) -> StoreChoice:
    """Tell which store is meant.

    Raises
    ------
    ValueError
        It is neither a folder, nor a URL, nor a kind.
    """
    scheme, mark, _ = text.partition("://")
    if not text:
        raise ValueError(f"is empty, must be a folder, a URL, or one of {', '.join(StoreKind)}")
    if mark and scheme not in SCHEMES:
        raise ValueError(
            f"has the unknown scheme {scheme!r}, must have one of {', '.join(SCHEMES)}"
        )
    if SERVER.fullmatch(text):
        raise ValueError(f"is no URL: did you mean redis://{text}? A folder begins like ./ or /")
    if not mark and re.match(rf"({'|'.join(SCHEMES)}|[a-z.]*localhost):", text):
        raise ValueError("is no URL, which begins like redis:// or unix://; a folder like ./ or /")
    if mark:
        _check_url(text)
        return StoreChoice(StoreKind.REDIS, text)
    if text in set(StoreKind):
        return StoreChoice(StoreKind(text))
    return StoreChoice(StoreKind.EMBEDDED, text)


def _check_url(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:  # its text may show a password
        raise ValueError("is a URL whose host or port can't be read") from None
