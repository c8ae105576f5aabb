"""The forms of a request that names a catalogue, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from bandit import Models
from service.catalogs.settings import MAX_TAGS, CatalogSettings
from service.request import MAX_DECISION_ID_BYTES, MAX_ID_BYTES, MAX_TIMEOUT_MS

__all__ = [
    "CATALOG_PROSE",
    "CATALOG_REQUEST",
    "answered_catalog",
    "catalog_schemas",
    "common_fields",
]

Schema = dict[str, Any]

CATALOG_REQUEST = "CatalogRequest"
CATALOG_PROSE = (
    " Where `candidates` names a catalogue instead, all its arms are candidates, and the `top_k` "
    "best of them are answered, with the scores that they would have in a list."
)


def common_fields(models: Models) -> Schema:
    """Return the fields that any request has, whatever its candidates."""
    return {
        "model": {"type": ["string", "null"], "enum": [*models.by_name, None]},
        "decision_id": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": MAX_DECISION_ID_BYTES,
            "description": (
                f"Keys the randomness, 1 to {MAX_DECISION_ID_BYTES} bytes of UTF-8; the "
                "server makes a time-ordered unique one otherwise."
            ),
        },
        "timeout_ms": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": MAX_TIMEOUT_MS,
            "description": "The caller's deadline; the model's own caps it.",
        },
    }


def catalog_schemas(models: Models, catalogs: Mapping[str, CatalogSettings]) -> Schema:
    """Return the schema of a request by its name; none where no catalogue is declared."""
    if not catalogs:
        return {}
    fitting = [
        model
        for model in models.by_name.values()
        if any(catalog.holds_arms_of(model) for catalog in catalogs.values())
    ]
    most = max(model.max_candidates for model in fitting)
    return {CATALOG_REQUEST: _request(models, [model.name for model in fitting], most, catalogs)}


def answered_catalog() -> Schema:
    """Return the form of what an answer says of its catalogue."""
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["name", "version", "arms"],
        "additionalProperties": False,
        "properties": {
            "name": {**text, "description": "As in the request."},
            "version": {**text, "description": "A hash of its arms as they were ranked."},
            "arms": {
                "type": "integer",
                "minimum": 0,
                "description": "How many it had, whether they took part or not.",
            },
        },
        "description": "The catalogue, where the request named one.",
    }


def _request(
    models: Models, fitting: list[str], most: int, catalogs: Mapping[str, CatalogSettings]
) -> Schema:
    shared = common_fields(models)
    first = next(iter(catalogs.values()))
    best = min(10, first.model.max_candidates)
    example: Schema = {"candidates": {"catalog": first.name}, "top_k": best}
    return {
        "type": "object",
        "required": ["candidates", "top_k"],
        "additionalProperties": False,
        "properties": {
            "candidates": _candidates(most, catalogs),
            "top_k": {
                "type": "integer",
                "minimum": 1,
                "maximum": most,
                "description": "How many of the best to answer; all, if fewer take part.",
            },
            "model": {
                "type": ["string", "null"],
                "enum": [*fitting, None],
                "description": "Which model scores them, with the same entity type, template, "
                "features, prior and precision as the catalogue's, which does unless said.",
            },
            "decision_id": shared["decision_id"],
            "order": {"enum": ["score", None], "description": "Best first."},
            "context": {"type": "null", "description": "A catalogue has none."},
            "timeout_ms": shared["timeout_ms"],
        },
        "example": example,
    }


def _candidates(most: int, catalogs: Mapping[str, CatalogSettings]) -> Schema:
    return {
        "type": "object",
        "description": "Which arms are candidates.",
        "required": ["catalog"],
        "additionalProperties": False,
        "properties": {
            "catalog": {"type": "string", "enum": [*catalogs], "description": "Its name."},
            "exclude": {
                "type": ["array", "null"],
                "maxItems": most,
                "items": {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
                "description": "Ids that stay out, whether the catalogue holds them or not.",
            },
            **_tags(catalogs),
        },
    }


def _tags(catalogs: Mapping[str, CatalogSettings]) -> Schema:
    """Return the fields that name tags, where there are any."""
    declared = sorted({tag for catalog in catalogs.values() for tag in catalog.tags})
    if not declared:
        return {}
    tags: Schema = {
        "type": ["array", "null"],
        "maxItems": MAX_TAGS,
        "items": {"type": "string", "enum": declared},
    }
    include = {"minItems": 1, "description": "An arm must carry at least one of them."}
    return {
        "include_tags": {**tags, **include},
        "exclude_tags": {**tags, "description": "An arm must carry none of them."},
    }
