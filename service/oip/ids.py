"""The input tensor: candidates as JSON, or as the bytes that follow it."""

from collections.abc import Mapping
from math import prod
from typing import Any

from idcolumn import IdColumn
from service.errors import FieldError, InvalidRequest
from service.oip.tensors import BYTES, IDS
from service.request import note_wrong, shown

__all__ = ["INPUT_FIELDS", "read_ids"]

INPUT_FIELDS = {"data", "datatype", "name", "parameters", "shape"}


def read_ids(inputs: Any, body: bytes, start: int) -> IdColumn:
    """Return the candidates of a request, or raise InvalidRequest.

    Parameters
    ----------
    inputs : object
        What the request's JSON object has under that name.
    body : bytes
        The whole body, in which binary tensors start at `start`.
    """
    tensor = _only_input(inputs)
    shape = _shape(tensor.get("shape"))
    if _is_binary(tensor, len(body) - start):
        return _from_bytes(body, start, prod(shape))
    return _from_json(_flat(tensor.get("data"), shape))


def _only_input(inputs: Any) -> Mapping[str, Any]:
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise _wrong("inputs", f"must be an array of one tensor, {IDS!r}")
    tensor: Mapping[str, Any] = inputs[0]
    if unknown := tensor.keys() - INPUT_FIELDS:
        known = ", ".join(sorted(INPUT_FIELDS))
        raise _wrong(f"inputs[0].{min(unknown)[:100]}", f"is not a field; known are {known}")
    for name, wanted in (("name", IDS), ("datatype", BYTES)):
        if tensor.get(name) != wanted:
            raise _wrong(f"inputs[0].{name}", f"is {shown(tensor.get(name))}, must be {wanted!r}")
    return tensor


def _shape(shape: Any) -> list[int]:
    """Return the shape of a list of n ids: [n], [1, n] or [n, 1]."""
    sizes: list[Any] = shape if isinstance(shape, list) else []
    whole = all(type(size) is int and size >= 0 for size in sizes)
    if not whole or len(sizes) not in (1, 2) or (len(sizes) == 2 and 1 not in sizes):
        raise _wrong("inputs[0].shape", "must be [n], [1, n] or [n, 1], with n ids")
    return sizes


def _is_binary(tensor: Mapping[str, Any], following: int) -> bool:
    """Whether the tensor is what follows the JSON object, which must be all of it."""
    parameters = {} if tensor.get("parameters") is None else tensor["parameters"]
    if not isinstance(parameters, dict) or parameters.keys() - {"binary_data_size"}:
        raise _wrong("inputs[0].parameters", "may hold binary_data_size and nothing else")
    size = parameters.get("binary_data_size")
    if size is not None and "data" in tensor:
        raise _wrong("inputs[0]", "has both data and binary_data_size")
    if (0 if size is None else size) != following or type(size) not in (int, type(None)):
        message = f"is {shown(size)}, but {following} bytes follow the JSON object"
        raise _wrong("inputs[0].parameters.binary_data_size", message)
    return size is not None


def _from_bytes(body: bytes, start: int, count: int) -> IdColumn:
    try:
        return IdColumn.from_tensor(body, start, count)
    except ValueError as error:
        raise _wrong(IDS, str(error)) from None


def _from_json(items: list[Any]) -> IdColumn:
    wrong = [i for i, item in enumerate(items) if not isinstance(item, str)]
    if not wrong:
        return IdColumn.from_list(items)
    errors: list[FieldError] = []
    note_wrong(IDS, wrong, lambda i: f"is {shown(items[i])}, must be a string", errors)
    raise InvalidRequest(errors)


def _flat(data: Any, shape: list[int]) -> list[Any]:
    """Return the elements of a tensor that is flat, or nested as its shape says."""
    if not isinstance(data, list):
        raise _wrong("inputs[0].data", f"is {shown(data)}, must be an array of strings")
    nested = len(shape) == 2 and len(data) == shape[0] and all(_is_row(r, shape[1]) for r in data)
    items = [item for row in data for item in row] if nested else data
    if len(items) != prod(shape):
        raise _wrong("inputs[0].data", f"has {len(items)} elements, but the shape is {shape}")
    return items


def _is_row(row: Any, size: int) -> bool:
    return isinstance(row, list) and len(row) == size


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([FieldError(field, message)])
