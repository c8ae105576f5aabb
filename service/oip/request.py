"""An inference request: its JSON object checked, and what of it the answer needs."""

from collections.abc import Mapping, Sequence, Set
from typing import Any, Literal, TypeVar

from bandit import Model
from idcolumn import IdColumn
from service.errors import FieldError, InvalidRequest
from service.oip.ids import read_input
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

__all__ = ["CONTEXT", "TensorRequest", "read_request"]

FIELDS = {"id", "inputs", "model_name", "outputs", "parameters"}
PARAMETERS = {"binary_data_output", "decision_id", "order", "timeout_ms", "top_k"}
OUTPUT_FIELDS = {"name", "parameters"}
OUTPUT_PARAMETERS = {"binary_data"}
CONTEXT = "context."  # parameters are scalars, so each key of the context is one of its own
KINDS: Mapping[type, str] = {bool: "true or false", str: "a string"}

Errors = list[FieldError]
T = TypeVar("T", bool, str)


class TensorRequest(PredictRequest):
    """A request for the tensors named in `outputs`, as bytes where that says so, else in JSON.

    Its `id` goes back as it came and means nothing else.
    """

    def __init__(
        self,
        ids: IdColumn,
        model: Model,
        context: Mapping[str, str],
        decision_id: str | None,
        top_k: int | None,
        order: Literal["score", "input"],
        deadline_s: float,
        id: str | None,  # noqa: A002
        outputs: dict[str, bool],
    ) -> None:
        super().__init__(ids, model, context, decision_id, top_k, order, deadline_s)
        self.id = id
        self.outputs = outputs

    def about(self, ids: IdColumn) -> "TensorRequest":
        """Return a request that says the same of other ids."""
        other = TensorRequest.__new__(TensorRequest)  # without __init__: a tenth of the time
        other.ids = ids
        other.model, other.context = self.model, self.context
        other.decision_id, other.deadline_s = self.decision_id, self.deadline_s
        other.top_k, other.order = self.top_k, self.order
        other.id, other.outputs = self.id, self.outputs
        return other


def read_request(
    envelope: Any, model: Model, ids: IdColumn | None, body: bytes, start: int
) -> TensorRequest:
    """Check a request; InvalidRequest names every wrong field at once.

    Parameters
    ----------
    envelope : object
        The JSON that the body starts with.
    ids : IdColumn or None
        The input, unless it is still to be read.
    body : bytes
        The whole body, in which binary tensors start at `start`.
    """
    if not isinstance(envelope, dict):
        raise InvalidRequest([FieldError("body", "must be an object")])
    errors: Errors = []
    if unknown := sorted([name for name in envelope if name not in FIELDS]):
        _note_unknown(unknown, FIELDS, "field", errors)
    if envelope.get("model_name", model.name) != model.name:
        message = f"is {shown(envelope['model_name'])}, but the path says {model.name!r}"
        errors.append(FieldError("model_name", message))
    if ids is None:
        ids = _ids(envelope, model, body, start, errors)
    else:
        check_ids(IDS, ids, model, errors)
    fields = _parameters(envelope.get("parameters"), errors)
    request = TensorRequest(
        ids=ids,
        model=model,
        context=read_context(fields, model, errors),
        decision_id=read_decision_id(fields, errors),
        top_k=read_integer(fields, "top_k", None, errors),
        order=read_order(fields, errors),
        deadline_s=min(model.deadline_s, read_timeout_s(fields, errors)),
        id=_typed(envelope, "id", str, errors),
        outputs=_outputs(envelope.get("outputs"), fields, errors),
    )
    if errors:
        raise InvalidRequest(errors)
    return request


def _ids(
    envelope: dict[str, Any], model: Model, body: bytes, start: int, errors: Errors
) -> IdColumn:
    try:
        ids = read_input(envelope.get("inputs"), body, start)
        check_ids(IDS, ids, model, errors)
    except InvalidRequest as wrong:
        errors += wrong.errors
        return IdColumn.from_list([])
    return ids


def _parameters(parameters: Any, errors: Errors) -> dict[str, Any]:
    """Return the parameters, those of the context gathered in one mapping."""
    context: dict[str, Any] = {}
    fields: dict[str, Any] = {"order": "input", "context": context}
    if parameters is None:
        return fields
    if not isinstance(parameters, dict):
        errors.append(FieldError("parameters", f"is {shown(parameters)}, must be an object"))
        return fields
    unknown: list[str] = []
    for name, value in parameters.items():
        if name.startswith(CONTEXT):
            context[name.removeprefix(CONTEXT)] = value
        elif name not in PARAMETERS:
            unknown.append(name)
        elif value is not None:
            fields[name] = value
    if unknown:
        _note_unknown(unknown, PARAMETERS, "parameter", errors)
    return fields


def _outputs(outputs: Any, fields: dict[str, Any], errors: Errors) -> dict[str, bool]:
    """Return what is asked for; by default the scores, and the candidates if they are reordered."""
    binary = bool(_typed(fields, "binary_data_output", bool, errors))
    if outputs is None or outputs == []:
        as_sent = fields["order"] == "input" and fields.get("top_k") is None
        return {SCORES: binary} if as_sent else dict.fromkeys(OUTPUTS, binary)
    known = isinstance(outputs, list) and all(map(_is_output, outputs))
    if not known or len({output["name"] for output in outputs}) < len(outputs):
        wanted = "must be an array of tensors named " + " or ".join(map(repr, OUTPUTS))
        errors.append(FieldError("outputs", f"{wanted}, each once, with parameters at most"))
        return {}
    return {
        output["name"]: _is_binary(i, output, binary, errors) for i, output in enumerate(outputs)
    }


def _is_output(output: Any) -> bool:
    known = isinstance(output, dict) and output.keys() <= OUTPUT_FIELDS
    return known and output.get("name") in OUTPUTS


def _is_binary(i: int, output: Mapping[str, Any], default: bool, errors: Errors) -> bool:
    parameters = output.get("parameters")
    parameters = {} if parameters is None else parameters
    if not isinstance(parameters, dict) or not parameters.keys() <= OUTPUT_PARAMETERS:
        field = f"outputs[{i}].parameters"
        errors.append(FieldError(field, "may hold binary_data and nothing else"))
        return default
    binary = _typed(parameters, "binary_data", bool, errors)
    return default if binary is None else binary


def _typed(fields: dict[str, Any], name: str, kind: type[T], errors: Errors) -> T | None:
    value = fields.get(name)
    if value is None or isinstance(value, kind):
        return value
    errors.append(FieldError(name, f"is {shown(value)}, must be {KINDS[kind]}"))
    return None


def _note_unknown(names: Sequence[str], known: Set[str], kind: str, errors: Errors) -> None:
    message = f"is not a {kind}; known are {', '.join(sorted(known))}"
    errors += [FieldError(name[:100], message) for name in names[:MAX_ERRORS]]
