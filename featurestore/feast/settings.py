"""How to reach a Feast feature server."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from featurestore.redaction import without_password

__all__ = ["FeastSettings"]


@dataclass(frozen=True, slots=True)
class FeastSettings:
    """Where `feast serve` listens, and how entity types map to its feature views.

    An entity type is the name of a feature view, its features are the view's fields, and an id is
    the value of the view's one join key.

    Attributes
    ----------
    url : str
        Scheme, host, port and, behind a proxy, the path before `/get-online-features`; no password.
    join_keys : mapping of str to str
        Join key by entity type; `{entity_type}_id` for one that is not listed, as in Feast's own
        examples. An entity declared without `join_keys` has its own name as its join key.
    integer_keys : tuple of str
        Entity types whose join key is INT64 or INT32. Ids are sent to them as integers; one that
        is not an int64 in plain decimal notation is not found.
    connections : int
        Most connections at once, at least 1; further fetches wait for one within their deadline.
    tls_ca : Path or None
        File of the certificates to trust in place of the public authorities'; the server's
        certificate is always verified.
    token : str or None
        Bearer token, for a server whose `auth` asks for one.
    """

    url: str = "http://127.0.0.1:6566"
    join_keys: Mapping[str, str] = field(default_factory=dict)
    integer_keys: tuple[str, ...] = ()
    connections: int = 8
    tls_ca: Path | None = None
    token: str | None = field(default=None, repr=False)

    def problems(self) -> list[str]:
        """List everything that is wrong, each with the setting's name first; files are read."""
        problems = [*_problems_of_url(self.url), *_problems_of_file(self.tls_ca)]
        if not self.connections >= 1:
            problems.append(f"connections is {self.connections}, must be at least 1")
        if not (self.token is None or (self.token.isascii() and self.token.isprintable())):
            problems.append("token is not shown, must be of printable ASCII characters")
        return problems

    def join_key(self, entity_type: str) -> str:
        """Join key of an entity type's view."""
        return self.join_keys.get(entity_type, f"{entity_type}_id")


def _problems_of_url(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or "@" in parts.netloc:
        return [f"url is {without_password(url)!r}, must be like http://127.0.0.1:6566"]
    return []


def _problems_of_file(tls_ca: Path | None) -> list[str]:
    try:
        ssl.create_default_context(cafile=tls_ca)
    except (OSError, ValueError) as error:
        return [f"tls_ca is {str(tls_ca)!r}, must be a file of certificates: {error}"]
    return []
