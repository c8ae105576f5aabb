"""The JSON forms of the protocol, for the OpenAPI document."""

from typing import Any

from bandit import Models
from service.errors import STATUS_OK, NotFound, Problem, Unavailable
from service.media import TENSOR_MEDIA
from service.oip.answer import HEADER_LENGTH
from service.oip.request import CONTEXT
from service.oip.routes import MODEL_PATHS, ROOT
from service.oip.tensors import BYTES, FLOATS, IDS, OUTPUTS
from service.request import MAX_DECISION_ID_BYTES, MAX_ID_BYTES, MAX_TIMEOUT_MS

__all__ = ["oip_paths", "oip_schemas"]

Schema = dict[str, Any]

BINARY = (
    f"With the header `{HEADER_LENGTH.decode().title()}` the body is that many bytes of JSON and "
    "then, as `binary_data_size` of the input's `parameters` says in the place of `data`, the ids: "
    "the length of each in 4 bytes, little-endian, and its UTF-8."
)


def oip_paths(models: Models, problems: tuple[type[Problem], ...], headers: Schema) -> Schema:
    """Return the paths; `problems` and `headers` are those of any prediction."""
    paths: Schema = {
        ROOT: _get("server", "What this server is", "ServerMetadata"),
        f"{ROOT}/health/live": _get("v2Live", "Whether the event loop turns", "Liveness"),
        f"{ROOT}/health/ready": _probe("v2Ready", "Whether this node should get traffic"),
    }
    for path, suffix in zip(MODEL_PATHS, ("", "Version"), strict=True):
        names = _names(models, versioned=bool(suffix))
        model = _get(f"model{suffix}", "The tensors of a model", "ModelMetadata", NotFound)
        probe = _probe(f"modelReady{suffix}", "Whether a model is ready", NotFound)
        infer = _infer(f"infer{suffix}", (NotFound, *problems), headers)
        paths[path] = {**model, "parameters": names}
        paths[f"{path}/ready"] = {**probe, "parameters": names}
        paths[f"{path}/infer"] = {"post": infer, "parameters": names}
    return paths


def oip_schemas(models: Models) -> Schema:
    """Return the schemas that the paths refer to."""
    text, flag = {"type": "string"}, {"type": "boolean"}
    return {
        "InferRequest": _request(models),
        "InferResponse": _response(),
        "ServerMetadata": _object(
            name=text, version=text, extensions={"type": "array", "items": text}
        ),
        "ModelMetadata": _object(
            name=text,
            versions={"type": "array", "items": text},
            platform=text,
            inputs={"type": "array", "items": _tensor()},
            outputs={"type": "array", "items": _tensor()},
        ),
        "Liveness": _object(live=flag),
        "Readiness": {**_object(ready=flag), "properties": {"ready": flag, "name": text}},
        "Error": _object(error={**text, "description": "What is wrong, all of it."}),
    }


def _infer(name: str, problems: tuple[type[Problem], ...], headers: Schema) -> Schema:
    return {
        "operationId": name,
        "summary": "Score candidates, by the Open Inference Protocol",
        "description": "The scores of `/predict` as tensors, in the order sent, of lists alone: no "
        f"catalogue can be named here. {BINARY}",
        "requestBody": {"required": True, "content": _json("InferRequest")},
        "responses": {
            str(STATUS_OK): {
                "description": "The tensors",
                "headers": headers,
                "content": {**_json("InferResponse"), TENSOR_MEDIA.decode(): {}},
            },
            **_errors(*problems),
        },
    }


def _get(name: str, summary: str, schema: str, *problems: type[Problem]) -> Schema:
    ok = {"description": "Yes", "content": _json(schema)}
    responses = {str(STATUS_OK): ok, **_errors(*problems)}
    return {"get": {"operationId": name, "summary": summary, "responses": responses}}


def _probe(name: str, summary: str, *problems: type[Problem]) -> Schema:
    probe = _get(name, summary, "Readiness", *problems)
    failing = {"description": "Not now; /health says why", "content": _json("Readiness")}
    probe["get"]["responses"][str(Unavailable.status)] = failing
    return probe


def _names(models: Models, *, versioned: bool) -> list[Schema]:
    """Return the parameters of a path; those of the version leave open which model's it is."""
    model = {"type": "string", "enum": list(models.by_name)}
    version = {"enum": sorted({model.version for model in models.by_name.values()})}
    schemas = {"model": model, "version": {"type": "string", **version}}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in schemas.items()
        if versioned or name == "model"
    ]


def _request(models: Models) -> Schema:
    output = _object(name={"type": "string", "enum": list(OUTPUTS)})
    output["properties"]["parameters"] = _nullable(binary_data={"type": ["boolean", "null"]})
    request = _object(inputs={"type": "array", "minItems": 1, "maxItems": 1, "items": _input()})
    request["properties"] |= {
        "outputs": {
            "type": ["array", "null"],
            "maxItems": len(OUTPUTS),
            "items": output,
            "description": "Which tensors are wanted. By default the scores, and the candidates "
            'with `top_k` or `order` "score".',
        },
        "parameters": _parameters(),
        "id": {"type": ["string", "null"], "description": "Goes back as it came."},
        "model_name": {
            "type": "string",
            "enum": list(models.by_name),
            "description": "As the path has it.",
        },
    }
    data = ["video-000001", "video-000002"]
    tensor = {"name": IDS, "datatype": BYTES, "shape": [len(data)], "data": data}
    return {**request, "example": {"inputs": [tensor]}}


def _input() -> Schema:
    id_ = {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES}
    tensor = _object(
        name={"type": "string", "enum": [IDS]},
        datatype={"type": "string", "enum": [BYTES]},
        shape={
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": {"type": "integer", "minimum": 0},
        },
        data={"type": "array", "minItems": 1, "items": {"anyOf": [id_, _array(id_)]}},
    )
    tensor["properties"]["parameters"] = _nullable()
    return tensor


def _parameters() -> Schema:
    parameters = _nullable(
        binary_data_output={"type": ["boolean", "null"]},
        decision_id={
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": MAX_DECISION_ID_BYTES,
        },
        order={"enum": ["score", "input", None], "default": "input"},
        timeout_ms={"type": ["integer", "null"], "minimum": 1, "maximum": MAX_TIMEOUT_MS},
        top_k={"type": ["integer", "null"], "minimum": 1},
    )
    about = f"As the fields of `/predict`; the context's keys as `{CONTEXT}KEY`."
    keys = {f"^{CONTEXT.replace('.', '[.]')}": {"type": "string"}}
    return {**parameters, "patternProperties": keys, "description": about}


def _response() -> Schema:
    count = {"type": "integer", "minimum": 0}
    facts = _object(decision_id={"type": "string"}, missing=count, degraded={"type": "boolean"})
    facts["properties"]["degraded_candidates"] = count
    facts["description"] = "As the fields of the answer of `/predict`."
    output = _tensor()
    output["properties"]["data"] = {"type": "array"}
    output["properties"]["parameters"] = _object(binary_data_size=count)
    response = _object(
        model_name={"type": "string"},
        model_version={"type": "string"},
        parameters=facts,
        outputs={"type": "array", "items": output},
    )
    response["properties"]["id"] = {"type": "string", "description": "As sent."}
    return response


def _tensor() -> Schema:
    return _object(
        name={"type": "string"},
        datatype={"type": "string", "enum": [BYTES, *FLOATS.values()]},
        shape={"type": "array", "items": {"type": "integer"}},
    )


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


def _nullable(**properties: Schema) -> Schema:
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": properties,
    }


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _errors(*problems: type[Problem]) -> Schema:
    return {
        str(kind.status): {"description": kind.title, "content": _json("Error")}
        for kind in problems
    }


def _json(name: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
