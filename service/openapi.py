"""The OpenAPI 3.1 document, made from the limits and errors that the code enforces."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from bandit import Models
from service import errors
from service.catalogs.openapi import (
    CATALOG_PROSE,
    CATALOG_REQUEST,
    answered_catalog,
    catalog_schemas,
    common_fields,
)
from service.catalogs.settings import CatalogSettings
from service.errors import STATUS_OK, Problem, Unavailable
from service.oip.openapi import oip_paths, oip_schemas
from service.request import MAX_ID_BYTES

__all__ = ["openapi_document"]

Schema = dict[str, Any]

PREDICT_PROBLEMS: tuple[type[Problem], ...] = (
    errors.MalformedBody,
    errors.MethodNotAllowed,
    errors.BodyTooLarge,
    errors.UnsupportedMediaType,
    errors.InvalidRequest,
    errors.Overloaded,
    errors.Unavailable,
    errors.DeadlineExceeded,
    errors.Internal,
)


def openapi_document(
    models: Models, max_body_bytes: int, catalogs: Mapping[str, CatalogSettings]
) -> Schema:
    """Return the document for a service with these models, catalogues and limit on bodies."""
    ready = _health("Whether this node should get traffic", Unavailable)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "bandit-serve",
            "version": version("bandit-serve"),
            "summary": "Ranks candidates with a multi-armed bandit.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/predict": {"post": _predict(max_body_bytes, bool(catalogs))},
            "/health": {"get": {**ready, "operationId": "health"}},
            "/health/ready": {"get": {**ready, "operationId": "ready"}},
            "/health/live": {
                "get": {**_health("Whether the event loop turns"), "operationId": "live"}
            },
            "/metrics": {"get": _metrics()},
            **oip_paths(models, PREDICT_PROBLEMS, _answer_headers()),
        },
        "components": {
            "schemas": {
                "PredictRequest": _request(models),
                **catalog_schemas(models, catalogs),
                "Prediction": _prediction(),
                "Health": _health_schema(),
                "Problem": _problem(),
                **oip_schemas(models),
            }
        },
    }


def _predict(max_body_bytes: int, has_catalogs: bool) -> Schema:
    listed = _json("PredictRequest")
    content = _json("PredictRequest", CATALOG_REQUEST) if has_catalogs else listed
    return {
        "operationId": "predict",
        "summary": "Score and rank candidates",
        "description": (
            "Scores every candidate with the model's policy and answers them best first. The same "
            "decision id gives the same candidate the same score, whatever else is in the list. "
            f"A body may have {max_body_bytes / (1 << 20):g} MiB."
            + (CATALOG_PROSE if has_catalogs else "")
        ),
        "parameters": [_traceparent()],
        "requestBody": {"required": True, "content": content},
        "responses": {
            str(STATUS_OK): {
                "description": "The scores, as columns",
                "headers": _answer_headers(),
                "content": _json("Prediction"),
            },
            **_problems(PREDICT_PROBLEMS),
        },
    }


def _answer_headers() -> Schema:
    return {
        "Server-Timing": _header("Milliseconds spent in each stage (W3C)"),
        "X-Decision-Id": _header("The decision id, percent-encoded"),
    }


def _health(summary: str, *failures: type[Problem]) -> Schema:
    documented = {
        str(failure.status): {
            "description": "Not now; the failing check is named",
            "content": _json("Health"),
        }
        for failure in failures
    }
    ok = {"description": "Yes", "content": _json("Health")}
    return {"summary": summary, "responses": {str(STATUS_OK): ok, **documented}}


def _metrics() -> Schema:
    text = {"schema": {"type": "string"}}
    return {
        "operationId": "metrics",
        "summary": "Figures of all workers of this node",
        "description": (
            "Prometheus' text format, or OpenMetrics when `Accept` asks for it. Those of other "
            "workers may be half a second old."
        ),
        "responses": {
            str(STATUS_OK): {
                "description": "The figures",
                "content": {"text/plain": text, "application/openmetrics-text": text},
            }
        },
    }


def _problems(kinds: Sequence[type[Problem]]) -> Schema:
    return {
        str(kind.status): {
            "description": kind.title,
            "content": {"application/problem+json": {"schema": _ref("Problem")}},
        }
        for kind in kinds
    }


def _request(models: Models) -> Schema:
    most = max(model.max_candidates for model in models.by_name.values())
    shared = common_fields(models)
    keys = sorted({key for model in models.by_name.values() for key in model.entity.keys})
    return {
        "type": "object",
        "required": ["candidates"],
        "additionalProperties": False,
        "properties": {
            "candidates": {
                "type": "array",
                "minItems": 1,
                "maxItems": most,
                "items": {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
                "description": (
                    f"Ids to score, each of 1 to {MAX_ID_BYTES} bytes of UTF-8. Duplicates get "
                    "equal scores."
                ),
            },
            "model": {
                **shared["model"],
                "description": f"Which model scores them; {models.default!r} unless said.",
            },
            "context": {
                "type": ["object", "null"],
                "additionalProperties": {"type": "string"},
                "description": "Fills the model's entity template. "
                + (f"Keys in use: {', '.join(keys)}." if keys else "No model here needs any.")
                + " Other keys are ignored.",
            },
            "decision_id": shared["decision_id"],
            "top_k": {
                "type": ["integer", "null"],
                "minimum": 1,
                "description": "Keep only the k best.",
            },
            "order": {
                "enum": ["score", "input", None],
                "default": "score",
                "description": "Best first, or as sent.",
            },
            "timeout_ms": shared["timeout_ms"],
        },
        "example": _example(models),
    }


def _example(models: Models) -> Schema:
    context = dict.fromkeys(models.by_name[models.default].entity.keys, "x")
    example: Schema = {"candidates": ["video-000001", "video-000002"], "top_k": 1}
    return {**example, "context": context} if context else example


def _prediction() -> Schema:
    count = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "required": ["decision_id", "model", "version", "scores", "missing", "degraded"],
        "additionalProperties": False,
        "properties": {
            "decision_id": {"type": "string", "description": "As sent, or made by the server."},
            "model": {"type": "string", "description": "The model that scored."},
            "version": {"type": "string", "description": "Its version, as configured."},
            "catalog": answered_catalog(),
            "candidates": {
                "type": "array",
                "items": {"type": "string"},
                "description": "In the order of `scores`. Left out when that is the order sent.",
            },
            "scores": {
                "type": "array",
                "items": {"type": "number", "minimum": 0, "maximum": 1},
                "description": "Higher is better.",
            },
            "missing": {
                **count,
                "description": "Candidates unknown to the store, scored from the prior; of a "
                "catalogue, all its arms whose features are not fit.",
            },
            "degraded": {
                "type": "boolean",
                "description": "Whether the prior stood in for features not had in time.",
            },
            "degraded_candidates": {**count, "description": "For how many it did."},
        },
    }


def _health_schema() -> Schema:
    return {
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {
                "type": "string",
                "description": "`ok`; `degraded` when requests are answered, some candidates "
                "perhaps from the prior; else what the failing check says.",
            },
            "checks": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Each check: `ok`, or `slow: ...`, `down: ...` and the like.",
            },
            "models": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "The version of each model.",
            },
            "worker": {"type": "object", "description": "Totals of the worker that answered."},
        },
    }


def _problem() -> Schema:
    return {
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "decision_id": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                },
            },
        },
    }


def _traceparent() -> Schema:
    return {
        "name": "traceparent",
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": "W3C trace context; a valid one is passed on.",
    }


def _header(description: str) -> Schema:
    return {"description": description, "schema": {"type": "string"}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(*names: str) -> Schema:
    """Return content of one of the schemas of these names."""
    schemas = [_ref(name) for name in names]
    return {"application/json": {"schema": {"oneOf": schemas} if schemas[1:] else schemas[0]}}
