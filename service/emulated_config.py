"""What `bandit-serve emulate vertex` says: command lines to serve from the emulator."""

from collections.abc import Iterator, Mapping

import orjson

from featurestore.vertex.tablefile import Table

__all__ = ["invitation"]

FEATURES = ("alpha", "beta")


def invitation(endpoint: str, tables: Mapping[str, Table]) -> str:
    """Return lines for a shell that write a whole configuration and serve with it."""
    served = {name: pair for name, table in tables.items() if (pair := _pair(table))}
    if not served:
        found = f"Vertex AI Feature Store is emulated at {endpoint}."
        return f"{found} No table has two features, so no model can be served from it."
    return "\n".join(
        [
            f"Vertex AI Feature Store is emulated at {endpoint}. To serve from it, elsewhere:",
            "",
            "cat > vertex.toml <<'END'",
            f"default_model = {_quoted(next(iter(served)))}",
            _STORE.format(endpoint=endpoint),
            *(_model(name, pair) for name, pair in served.items()),
            "END",
            "bandit-serve run --config vertex.toml",
        ]
    )


def _pair(table: Table) -> tuple[str, ...]:
    """Return the features of alpha and beta; nothing when there are not two features."""
    if set(FEATURES) <= set(table.features):
        return FEATURES
    return table.features[:2] if len(table.features) > 1 else ()


def _model(name: str, pair: tuple[str, ...]) -> str:
    return "\n".join(_lines(name, pair))


def _lines(name: str, pair: tuple[str, ...]) -> Iterator[str]:
    yield ""
    yield f"[models.{_quoted(name)}]"
    yield 'version = "1"'
    yield f"entity_type = {_quoted(name)}"
    yield f"features = [{', '.join(map(_quoted, pair))}]  # alpha's and beta's"
    yield "prior = { alpha = 1.0, beta = 1.0 }"


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


_STORE = """
[store]
kind = "vertex"  # or "vertex-legacy"

[vertex]
project = "local"
location = "local"
featurestore = "local"          # of kind "vertex-legacy"
feature_online_store = "local"  # of kind "vertex"
endpoint = "{endpoint}"
plaintext = true"""
