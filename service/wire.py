"""The predict request and its answer, between bytes and columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray

from bandit import Model, Models
from bandit.posterior import Column
from idcolumn import IdColumn, numbers_to_json, split
from service.errors import FieldError, InvalidRequest, MalformedBody, UnsupportedMediaType

__all__ = [
    "MAX_DECISION_ID_BYTES",
    "MAX_ID_BYTES",
    "PredictRequest",
    "decode",
    "encode",
    "parse",
    "require_json",
]

MAX_ID_BYTES = 256
MAX_DECISION_ID_BYTES = 128
MAX_CONTEXT_BYTES = 128
MAX_TIMEOUT_MS = 600_000
MAX_ERRORS = 20
MAX_SHOWN = 60
FIELDS = frozenset(
    {"candidates", "model", "context", "decision_id", "top_k", "order", "timeout_ms"}
)


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """A request that was found right; `model` is the snapshot kept until its answer."""

    ids: IdColumn
    model: Model
    context: Mapping[str, str]
    decision_id: str | None
    top_k: int | None
    order: Literal["score", "input"]
    deadline_s: float

    @property
    def as_sent(self) -> bool:
        """Whether all scores go back in the order of the candidates, which needs no ranking."""
        return self.order == "input" and self.top_k is None


def require_json(headers: Mapping[bytes, bytes]) -> None:
    """Raise UnsupportedMediaType unless the body is said to be plain JSON in UTF-8, or nothing."""
    content_type = headers.get(b"content-type", b"application/json")
    media, *parameters = [part.strip().lower() for part in content_type.split(b";")]
    charsets = [p[8:].strip(b'"') for p in parameters if p.startswith(b"charset=")]
    if media != b"application/json" or any(c not in (b"utf-8", b"utf8") for c in charsets):
        raise UnsupportedMediaType(
            f"content-type is {content_type.decode('latin-1')!r}, must be application/json in UTF-8"
        )
    encoding = headers.get(b"content-encoding", b"identity")
    if encoding.lower() != b"identity":
        raise UnsupportedMediaType(
            f"content-encoding is {encoding.decode('latin-1')!r}; send the body as it is"
        )


def parse(body: bytes) -> tuple[Any, IdColumn | None]:
    """Parse a JSON body.

    Returns
    -------
    envelope : object
        The body's value; `candidates` is an empty list where `ids` stands for it.
    ids : IdColumn or None
        The candidates, where they could be read as a column in one pass.
    """
    parts = split(body, "candidates")
    ids, text = parts or (None, body)
    try:
        return orjson.loads(text), ids
    except orjson.JSONDecodeError as error:
        raise MalformedBody(str(error)) from None


def decode(body: bytes, models: Models) -> PredictRequest:
    """Parse and check a request; InvalidRequest names every wrong field at once."""
    envelope, ids = parse(body)
    if not isinstance(envelope, dict):
        raise InvalidRequest([FieldError("body", "must be an object")])
    errors = _unknown_fields(envelope)
    if ids is None:
        ids = _candidates(envelope, errors)
    model = _model(envelope, models, errors)
    _check_candidates(ids, model, errors)
    request = PredictRequest(
        ids=ids,
        model=model,
        context=_context(envelope, model, errors),
        decision_id=_decision_id(envelope, errors),
        top_k=_integer(envelope, "top_k", None, errors),
        order=_order(envelope, errors),
        deadline_s=min(model.deadline_s, _timeout_s(envelope, errors)),
    )
    if errors:
        raise InvalidRequest(errors)
    return request


def encode(
    request: PredictRequest,
    decision_id: str,
    scores: Column,
    order: NDArray[np.int64] | None,
    missing: int,
    degraded: int,
) -> bytes:
    """Return the answer; `order` None answers all scores as the candidates were sent."""
    answer: dict[str, Any] = {
        "decision_id": decision_id,
        "model": request.model.name,
        "version": request.model.version,
    }
    if order is not None:
        answer["candidates"] = orjson.Fragment(request.ids.to_json(order))
    answer["scores"] = orjson.Fragment(numbers_to_json(scores, order))
    answer["missing"] = missing
    answer["degraded"] = degraded > 0
    if degraded:
        answer["degraded_candidates"] = degraded
    return orjson.dumps(answer)


def _unknown_fields(envelope: Mapping[str, Any]) -> list[FieldError]:
    if envelope.keys() <= FIELDS:
        return []
    known = ", ".join(sorted(FIELDS))
    unknown = list(envelope.keys() - FIELDS)[:MAX_ERRORS]
    return [FieldError(name[:100], f"is not a field; known are {known}") for name in unknown]


def _candidates(envelope: Mapping[str, Any], errors: list[FieldError]) -> IdColumn:
    """Return the candidates of a body that couldn't be read in one pass."""
    value = envelope.get("candidates")
    if value is None:
        errors.append(FieldError("candidates", "is missing"))
    elif not isinstance(value, list):
        errors.append(FieldError("candidates", f"is {_shown(value)}, must be an array of strings"))
    else:
        wrong = [i for i, item in enumerate(value) if not isinstance(item, str)]
        if not wrong:
            return IdColumn.from_list(value)
        _wrong_ids(wrong, lambda i: f"is {_shown(value[i])}, must be a string", errors)
    return IdColumn.from_list([])


def _check_candidates(ids: IdColumn, model: Model, errors: list[FieldError]) -> None:
    count = len(ids)
    if count == 0 and not any(error.field.startswith("candidates") for error in errors):
        errors.append(FieldError("candidates", "is empty, must hold at least one id"))
    if count > model.max_candidates:
        errors.append(
            FieldError("candidates", f"holds {count} ids, at most {model.max_candidates} allowed")
        )
        return
    if ids.shortest >= 1 and ids.longest <= MAX_ID_BYTES:
        return
    lengths = ids.lengths
    wrong = np.flatnonzero((lengths == 0) | (lengths > MAX_ID_BYTES)).tolist()
    _wrong_ids(wrong, lambda i: f"has {lengths[i]} bytes, must have 1 to {MAX_ID_BYTES}", errors)


def _wrong_ids(wrong: list[int], message: Callable[[int], str], errors: list[FieldError]) -> None:
    """Name the first of the wrong ids, and how many more there are."""
    errors += [FieldError(f"candidates[{i}]", message(i)) for i in wrong[:MAX_ERRORS]]
    if len(wrong) > MAX_ERRORS:
        errors.append(FieldError("candidates", f"has {len(wrong) - MAX_ERRORS} more wrong ids"))


def _model(envelope: Mapping[str, Any], models: Models, errors: list[FieldError]) -> Model:
    name = envelope.get("model")
    name = models.default if name is None else name
    model = models.by_name.get(name) if isinstance(name, str) else None
    if model is None:
        known = ", ".join(models.by_name)
        errors.append(FieldError("model", f"is {_shown(name)}, must be one of: {known}"))
        return models.by_name[models.default]
    return model


def _context(
    envelope: Mapping[str, Any], model: Model, errors: list[FieldError]
) -> Mapping[str, str]:
    context = envelope.get("context")
    context = {} if context is None else context
    if not isinstance(context, dict):
        errors.append(FieldError("context", f"is {_shown(context)}, must be an object of strings"))
        return {}
    for key, value in context.items():
        if not isinstance(value, str):
            errors.append(
                FieldError(f"context.{key[:100]}", f"is {_shown(value)}, must be a string")
            )
        elif len(value.encode()) > MAX_CONTEXT_BYTES:
            errors.append(FieldError(f"context.{key[:100]}", f"exceeds {MAX_CONTEXT_BYTES} bytes"))
        if len(errors) >= MAX_ERRORS:
            break
    errors += [
        FieldError(f"context.{key}", f"is missing; the entity {model.entity.text!r} needs it")
        for key in model.entity.keys
        if key not in context
    ]
    return context


def _decision_id(envelope: Mapping[str, Any], errors: list[FieldError]) -> str | None:
    value = envelope.get("decision_id")
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= MAX_DECISION_ID_BYTES:
        wanted = f"must be a string of 1 to {MAX_DECISION_ID_BYTES} bytes"
        errors.append(FieldError("decision_id", f"is {_shown(value)}, {wanted}"))
        return None
    return value


def _order(envelope: Mapping[str, Any], errors: list[FieldError]) -> Literal["score", "input"]:
    value = envelope.get("order")
    if value not in (None, "score", "input"):
        errors.append(FieldError("order", f"is {_shown(value)}, must be 'score' or 'input'"))
    return "input" if value == "input" else "score"


def _timeout_s(envelope: Mapping[str, Any], errors: list[FieldError]) -> float:
    value = _integer(envelope, "timeout_ms", MAX_TIMEOUT_MS, errors)
    return (MAX_TIMEOUT_MS if value is None else value) / 1000


def _integer(
    envelope: Mapping[str, Any], name: str, high: int | None, errors: list[FieldError]
) -> int | None:
    value = envelope.get(name)
    if value is None:
        return None
    in_range = isinstance(value, int) and value >= 1 and (high is None or value <= high)
    if isinstance(value, bool) or not in_range:
        wanted = "an integer >= 1" if high is None else f"an integer from 1 to {high}"
        errors.append(FieldError(name, f"is {_shown(value)}, must be {wanted}"))
        return None
    return int(value)


def _shown(value: object) -> str:
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    text = orjson.dumps(value).decode()
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
