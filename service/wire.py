"""The predict request and its answer, between bytes and columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bandit import Model, Models
from bandit.posterior import Column
from idcolumn import IdColumn, split, to_json
from service.catalogs.catalog import Catalogs
from service.catalogs.request import CatalogRequest, read_catalog_request
from service.errors import FieldError, InvalidRequest, MalformedBody
from service.request import (
    PredictRequest,
    check_ids,
    read_context,
    read_decision_id,
    read_ids,
    read_integer,
    read_model,
    read_order,
    read_timeout_s,
    unknown_fields,
)

__all__ = ["encode_best", "naming", "parse", "read_request", "write_answer"]

FIELDS = frozenset(
    {"candidates", "model", "context", "decision_id", "top_k", "order", "timeout_ms"}
)

START = b'{"decision_id":'
ALONE = (b'{"candidates":[]}', b'{"candidates": []}')  # envelopes, as they mostly are


def parse(body: bytes) -> tuple[Any, IdColumn | None]:
    """Parse a JSON body.

    Returns
    -------
    envelope : object
        The body's value; `candidates` is an empty list, or absent, where `ids` stands for it.
    ids : IdColumn or None
        The candidates, where they could be read as a column in one pass.
    """
    parts = split(body, "candidates")
    ids, text = (None, body) if parts is None else parts
    if text in ALONE and ids is not None:
        return {}, ids
    try:
        return orjson.loads(text), ids
    except orjson.JSONDecodeError as error:
        raise MalformedBody(str(error)) from None


def read_request(
    body: bytes, models: Models, catalogs: Catalogs
) -> PredictRequest | CatalogRequest:
    """Parse and check a request.

    Raises
    ------
    InvalidRequest
        Names every wrong field at once.
    CatalogNotLoaded
        Nothing is wrong with the request, but the catalogue that it names isn't there yet.
    """
    envelope, ids = parse(body)
    if not isinstance(envelope, dict):
        raise InvalidRequest([FieldError("body", "must be an object")])
    errors = unknown_fields(envelope, FIELDS)
    if ids is None:
        if catalogs.by_name and isinstance(envelope.get("candidates"), dict):
            return read_catalog_request(envelope, models, catalogs, errors)
        ids = _candidates(envelope, errors)
    model = read_model(envelope, models, models.default, errors) or models.by_name[models.default]
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


def naming(model: Model) -> bytes:
    """Return what answers say of a model, for `write_answer`."""
    return b"," + orjson.dumps({"model": model.name, "version": model.version})[1:-1]


def write_answer(
    named: bytes,
    request: PredictRequest,
    decision_id: str,
    scores: Column,
    order: NDArray[np.int64] | None,
    missing: int,
    degraded: int,
) -> bytes:
    """Return the answer; `order` None answers all scores as the candidates were sent.

    `named` is the naming of the request's model.
    """
    quoted, counted = orjson.dumps(decision_id), _counted(missing, degraded)
    if order is None:
        return to_json((START, quoted, named, b',"scores":', scores, counted))
    ids = request.ids
    parts = START, quoted, named, b',"candidates":', ids, b',"scores":', scores, counted
    return to_json(parts, order)


def encode_best(request: CatalogRequest, decision_id: str, ids: IdColumn, scores: Column) -> bytes:
    """Return the answer of the best arms of a catalogue, which are in order."""
    snapshot = request.snapshot
    named = {
        "decision_id": decision_id,
        "model": request.model.name,
        "version": request.model.version,
        "catalog": {
            "name": request.name,
            "version": snapshot.version,
            "arms": request.arms,
        },
    }
    start, counted = orjson.dumps(named)[:-1], _counted(snapshot.missing, 0)
    return to_json((start, b',"candidates":', ids, b',"scores":', scores, counted))


def _counted(missing: int, degraded: int) -> bytes:
    if degraded:
        return f',"missing":{missing},"degraded":true,"degraded_candidates":{degraded}}}'.encode()
    return f',"missing":{missing},"degraded":false}}'.encode()


def _candidates(envelope: Mapping[str, Any], errors: list[FieldError]) -> IdColumn:
    """Return the candidates of a body that couldn't be read in one pass."""
    value = envelope.get("candidates")
    if isinstance(value, dict):
        wanted = "must be an array of strings, and no catalogue is declared"
        errors.append(FieldError("candidates", f"is an object, {wanted}"))
    elif value is not None:
        return read_ids("candidates", value, errors)
    else:
        errors.append(FieldError("candidates", "is missing"))
    return IdColumn.from_list([])
