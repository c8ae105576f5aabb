"""An inference request: its JSON object checked, and what of it the answer needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bandit import Model
from idcolumn import IdColumn
from service.errors import FieldError, InvalidRequest
from service.oip.ids import read_ids
from service.oip.tensors import IDS, OUTPUTS, SCORES
from service.request import (
    MAX_ERRORS,
    PredictRequest,
    check_ids,
    read_context,
    read_decision_id,
    read_integer,
    read_order,
    read_timeout_s,
    shown,
)

__all__ = ["CONTEXT", "Output", "TensorRequest", "read_request"]

FIELDS = {"id", "inputs", "model_name", "outputs", "parameters"}
PARAMETERS = {"binary_data_output", "decision_id", "order", "timeout_ms", "top_k"}
CONTEXT = "context."  # parameters are scalars, so each key of the context is one of its own

Errors = list[FieldError]


class Output(NamedTuple):
    """A tensor that is asked for, in JSON or as bytes."""

    name: str
    binary: bool


@dataclass(slots=True)
class TensorRequest(PredictRequest):
    """A request for tensors; its `id` goes back as it came and means nothing else."""

    id: str | None
    outputs: tuple[Output, ...]


def read_request(envelope: Any, model: Model, body: bytes, start: int) -> TensorRequest:
    """Check a request; InvalidRequest names every wrong field at once.

    Parameters
    ----------
    envelope : object
        The JSON that the body starts with.
    body : bytes
        The whole body, in which binary tensors start at `start`.
    """
    if not isinstance(envelope, dict):
        raise InvalidRequest([FieldError("body", "must be an object")])
    errors = [
        _unknown(name, FIELDS, "field") for name in sorted(envelope.keys() - FIELDS)[:MAX_ERRORS]
    ]
    if envelope.get("model_name", model.name) != model.name:
        message = f"is {shown(envelope['model_name'])}, but the path says {model.name!r}"
        errors.append(FieldError("model_name", message))
    ids = _ids(envelope, model, body, start, errors)
    fields = _parameters(envelope.get("parameters"), errors)
    request = TensorRequest(
        ids=ids,
        model=model,
        context=read_context(fields, model, errors),
        decision_id=read_decision_id(fields, errors),
        top_k=read_integer(fields, "top_k", None, errors),
        order=read_order(fields, errors),
        deadline_s=min(model.deadline_s, read_timeout_s(fields, errors)),
        id=_id(envelope.get("id"), errors),
        outputs=_outputs(envelope.get("outputs"), fields, errors),
    )
    if errors:
        raise InvalidRequest(errors)
    return request


def _ids(
    envelope: Mapping[str, Any], model: Model, body: bytes, start: int, errors: Errors
) -> IdColumn:
    try:
        ids = read_ids(envelope.get("inputs"), body, start)
        check_ids(IDS, ids, model, errors)
    except InvalidRequest as wrong:
        errors += wrong.errors
        return IdColumn.from_list([])
    return ids


def _parameters(parameters: Any, errors: Errors) -> dict[str, Any]:
    """Return the parameters, those of the context gathered in one mapping."""
    if parameters is not None and not isinstance(parameters, dict):
        errors.append(FieldError("parameters", f"is {shown(parameters)}, must be an object"))
        return {}
    context: dict[str, Any] = {}
    fields: dict[str, Any] = {"order": "input", "context": context}
    unknown: list[str] = []
    for name, value in (parameters or {}).items():
        if name.startswith(CONTEXT):
            context[name.removeprefix(CONTEXT)] = value
        elif name not in PARAMETERS:
            unknown.append(name)
        elif value is not None:
            fields[name] = value
    errors += [_unknown(name, PARAMETERS, "parameter") for name in unknown[:MAX_ERRORS]]
    return fields


def _outputs(outputs: Any, fields: Mapping[str, Any], errors: Errors) -> tuple[Output, ...]:
    """Return what is asked for; by default the scores, and the candidates if they are reordered."""
    binary = _flag(fields, "binary_data_output", False, errors)
    if outputs is None or outputs == []:
        as_sent = fields.get("order") == "input" and fields.get("top_k") is None
        return tuple(Output(name, binary) for name in ((SCORES,) if as_sent else OUTPUTS))
    names = [_name(output) for output in outputs] if isinstance(outputs, list) else [None]
    if not all(name in OUTPUTS for name in names) or len(set(names)) < len(names):
        wanted = "must be an array of tensors named " + " or ".join(map(repr, OUTPUTS))
        errors.append(FieldError("outputs", f"{wanted}, each once, with parameters at most"))
        return ()
    return tuple(_output(i, output, binary, errors) for i, output in enumerate(outputs))


def _name(output: Any) -> str | None:
    known = isinstance(output, dict) and not output.keys() - {"name", "parameters"}
    name = output.get("name") if known else None
    return name if isinstance(name, str) else None


def _output(i: int, output: Mapping[str, Any], binary: bool, errors: Errors) -> Output:
    parameters = {} if output.get("parameters") is None else output["parameters"]
    if not isinstance(parameters, dict) or parameters.keys() - {"binary_data"}:
        field = f"outputs[{i}].parameters"
        errors.append(FieldError(field, "may hold binary_data and nothing else"))
        return Output(output["name"], binary)
    return Output(output["name"], _flag(parameters, "binary_data", binary, errors))


def _flag(fields: Mapping[str, Any], name: str, default: bool, errors: Errors) -> bool:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return default if value is None else value
    errors.append(FieldError(name, f"is {shown(value)}, must be true or false"))
    return default


def _id(value: Any, errors: Errors) -> str | None:
    if value is None or isinstance(value, str):
        return value
    errors.append(FieldError("id", f"is {shown(value)}, must be a string"))
    return None


def _unknown(name: str, known: set[str], kind: str) -> FieldError:
    return FieldError(name[:100], f"is not a {kind}; known are {', '.join(sorted(known))}")
