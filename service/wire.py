"""The predict request and its answer, between bytes and columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bandit import Model, Models
from bandit.posterior import Column
from idcolumn import IdColumn, numbers_to_json, split
from service.errors import FieldError, InvalidRequest, MalformedBody
from service.request import (
    MAX_ERRORS,
    PredictRequest,
    check_ids,
    note_wrong_ids,
    read_context,
    read_decision_id,
    read_integer,
    read_order,
    read_timeout_s,
    shown,
)

__all__ = ["decode", "encode", "parse"]

FIELDS = frozenset(
    {"candidates", "model", "context", "decision_id", "top_k", "order", "timeout_ms"}
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
    check_ids("candidates", ids, model, errors)
    request = PredictRequest(
        ids=ids,
        model=model,
        context=read_context(envelope, model, errors),
        decision_id=read_decision_id(envelope, errors),
        top_k=read_integer(envelope, "top_k", None, errors),
        order=read_order(envelope, errors),
        deadline_s=min(model.deadline_s, read_timeout_s(envelope, errors)),
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
    named = {
        "decision_id": decision_id,
        "model": request.model.name,
        "version": request.model.version,
    }
    counted = {"missing": missing, "degraded": degraded > 0}
    if degraded:
        counted["degraded_candidates"] = degraded
    columns = b"" if order is None else b',"candidates":' + request.ids.to_json(order)
    columns += b',"scores":' + numbers_to_json(scores, order)
    return b"".join((orjson.dumps(named)[:-1], columns, b",", orjson.dumps(counted)[1:]))


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
        errors.append(FieldError("candidates", f"is {shown(value)}, must be an array of strings"))
    else:
        wrong = [i for i, item in enumerate(value) if not isinstance(item, str)]
        if not wrong:
            return IdColumn.from_list(value)
        note_wrong_ids(
            "candidates", wrong, lambda i: f"is {shown(value[i])}, must be a string", errors
        )
    return IdColumn.from_list([])


def _model(envelope: Mapping[str, Any], models: Models, errors: list[FieldError]) -> Model:
    name = envelope.get("model")
    name = models.default if name is None else name
    model = models.by_name.get(name) if isinstance(name, str) else None
    if model is None:
        known = ", ".join(models.by_name)
        errors.append(FieldError("model", f"is {shown(name)}, must be one of: {known}"))
        return models.by_name[models.default]
    return model
