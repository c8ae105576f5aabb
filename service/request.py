"""The request of a prediction, whatever it came as, and the rules for its fields."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import orjson

from bandit import Model, Models
from idcolumn import IdColumn
from service.errors import FieldError

__all__ = [
    "MAX_DECISION_ID_BYTES",
    "MAX_ERRORS",
    "MAX_ID_BYTES",
    "MAX_TIMEOUT_MS",
    "PredictRequest",
    "check_ids",
    "check_lengths",
    "fit",
    "note_wrong",
    "read_context",
    "read_decision_id",
    "read_ids",
    "read_integer",
    "read_model",
    "read_order",
    "read_timeout_s",
    "shown",
    "unknown_fields",
]

MAX_ID_BYTES = 256
MAX_DECISION_ID_BYTES = 128
MAX_CONTEXT_BYTES = 128
MAX_TIMEOUT_MS = 600_000
MAX_ERRORS = 20
MAX_SHOWN = 60


@dataclass  # a frozen one takes three times as long to make
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


def unknown_fields(given: dict[str, Any], known: Set[str], prefix: str = "") -> list[FieldError]:
    """Return what is wrong with the names of the fields of an object."""
    unknown = [name for name in given if name not in known][:MAX_ERRORS]
    if not unknown:
        return []
    names = ", ".join(sorted(known))
    return [FieldError(prefix + n[:100], f"is not a field; known are {names}") for n in unknown]


def read_model(
    envelope: dict[str, Any], models: Models, default: str, errors: list[FieldError]
) -> Model | None:
    """Return the model that is named, or the default; None where there is no such model."""
    name = envelope.get("model")
    name = default if name is None else name
    model = models.by_name.get(name) if isinstance(name, str) else None
    if model is None:
        known = ", ".join(models.by_name)
        errors.append(FieldError("model", f"is {shown(name)}, must be one of: {known}"))
    return model


def read_ids(field: str, value: object, errors: list[FieldError]) -> IdColumn:
    """Return the ids of an array that wasn't read in one pass with its body."""
    if not isinstance(value, list):
        errors.append(FieldError(field, f"is {shown(value)}, must be an array of strings"))
        return IdColumn.from_list([])
    wrong = [i for i, item in enumerate(value) if not isinstance(item, str)]
    if not wrong:
        return IdColumn.from_list(value)
    note_wrong(field, wrong, lambda i: f"is {shown(value[i])}, must be a string", errors)
    return IdColumn.from_list([])


def fit(ids: IdColumn, model: Model) -> bool:
    """Whether nothing is wrong with the candidates."""
    return 0 < len(ids) <= model.max_candidates and ids.within(1, MAX_ID_BYTES)


def check_ids(field: str, ids: IdColumn, model: Model, errors: list[FieldError]) -> None:
    """Note what is wrong with the candidates, which came in this field."""
    if fit(ids, model):
        return
    noted = [error for error in errors if error.field.startswith(field)]
    if len(ids) == 0 and not noted:
        errors.append(FieldError(field, "is empty, must hold at least one id"))
    check_lengths(field, ids, model.max_candidates, errors)


def check_lengths(field: str, ids: IdColumn, most: int, errors: list[FieldError]) -> None:
    """Note if there are more than `most` ids, and which of them are too short or too long."""
    count = len(ids)
    if count > most:
        errors.append(FieldError(field, f"holds {count} ids, at most {most} allowed"))
        return
    if ids.within(1, MAX_ID_BYTES):
        return
    lengths = ids.lengths
    wrong = np.flatnonzero((lengths == 0) | (lengths > MAX_ID_BYTES)).tolist()
    wanted = f"must have 1 to {MAX_ID_BYTES}"
    note_wrong(field, wrong, lambda i: f"has {lengths[i]} bytes, {wanted}", errors)


def note_wrong(
    field: str,
    wrong: list[int],
    message: Callable[[int], str],
    errors: list[FieldError],
    what: str = "ids",
) -> None:
    """Name the first of the wrong elements of an array, and how many more there are."""
    errors += [FieldError(f"{field}[{i}]", message(i)) for i in wrong[:MAX_ERRORS]]
    if len(wrong) > MAX_ERRORS:
        errors.append(FieldError(field, f"has {len(wrong) - MAX_ERRORS} more wrong {what}"))


def read_context(
    envelope: dict[str, Any], model: Model, errors: list[FieldError]
) -> Mapping[str, str]:
    """Return what fills the entity template of the model."""
    context = envelope.get("context")
    context = {} if context is None else context
    if not isinstance(context, dict):
        errors.append(FieldError("context", f"is {shown(context)}, must be an object of strings"))
        return {}
    for key, value in context.items():
        if not isinstance(value, str):
            errors.append(
                FieldError(f"context.{key[:100]}", f"is {shown(value)}, must be a string")
            )
        elif len(value.encode()) > MAX_CONTEXT_BYTES:
            errors.append(FieldError(f"context.{key[:100]}", f"exceeds {MAX_CONTEXT_BYTES} bytes"))
        if len(errors) >= MAX_ERRORS:
            break
    for key in model.entity.keys:
        if key not in context:
            message = f"is missing; the entity {model.entity.text!r} needs it"
            errors.append(FieldError(f"context.{key}", message))
    return context


def read_decision_id(envelope: dict[str, Any], errors: list[FieldError]) -> str | None:
    """Return the caller's decision id, if there is one."""
    value = envelope.get("decision_id")
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= MAX_DECISION_ID_BYTES:
        wanted = f"must be a string of 1 to {MAX_DECISION_ID_BYTES} bytes"
        errors.append(FieldError("decision_id", f"is {shown(value)}, {wanted}"))
        return None
    return value


def read_order(envelope: dict[str, Any], errors: list[FieldError]) -> Literal["score", "input"]:
    """Return the order that is wanted of the answer."""
    value = envelope.get("order")
    if value not in (None, "score", "input"):
        errors.append(FieldError("order", f"is {shown(value)}, must be 'score' or 'input'"))
    return "input" if value == "input" else "score"


def read_timeout_s(envelope: dict[str, Any], errors: list[FieldError]) -> float:
    """Return the caller's deadline."""
    value = read_integer(envelope, "timeout_ms", MAX_TIMEOUT_MS, errors)
    return (MAX_TIMEOUT_MS if value is None else value) / 1000


def read_integer(
    envelope: dict[str, Any], name: str, high: int | None, errors: list[FieldError]
) -> int | None:
    """Return the integer of that name, in [1, `high`], if there is one."""
    value = envelope.get(name)
    if value is None:
        return None
    in_range = isinstance(value, int) and value >= 1 and (high is None or value <= high)
    if isinstance(value, bool) or not in_range:
        wanted = "an integer >= 1" if high is None else f"an integer from 1 to {high}"
        errors.append(FieldError(name, f"is {shown(value)}, must be {wanted}"))
        return None
    return int(value)


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    text = orjson.dumps(value).decode()
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
