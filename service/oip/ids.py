"""The input tensor: candidates as JSON, or as the bytes that follow it."""

from collections.abc import Mapping
from math import prod
from typing import Any

from idcolumn import IdColumn
from service.errors import FieldError, InvalidRequest
from service.oip.tensors import BYTES, IDS
from service.request import read_ids, shown

__all__ = ["INPUT_FIELDS", "read_input"]

INPUT_FIELDS = {"data", "datatype", "name", "parameters", "shape"}
REQUIRED = (("name", IDS), ("datatype", BYTES))
PARAMETERS = {"binary_data_size"}


def read_input(inputs: Any, body: bytes, start: int) -> IdColumn:
    """Return the candidates of a request, or raise InvalidRequest.

    Parameters
    ----------
    inputs : object
        What the request's JSON object has under that name.
    body : bytes
        The whole body, in which binary tensors start at `start`.
    """
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise _wrong("inputs", f"must be an array of one tensor, {IDS!r}")
    tensor: Mapping[str, Any] = inputs[0]
    if not tensor.keys() <= INPUT_FIELDS:
        name, known = min(tensor.keys() - INPUT_FIELDS), ", ".join(sorted(INPUT_FIELDS))
        raise _wrong(f"inputs[0].{name[:100]}", f"is not a field; known are {known}")
    for name, wanted in REQUIRED:
        if (value := tensor.get(name)) != wanted:
            raise _wrong(f"inputs[0].{name}", f"is {shown(value)}, must be {wanted!r}")
    shape: Any = tensor.get("shape")
    count = _count(shape)
    if not _is_binary(tensor, len(body) - start):
        return _from_json(_flat(tensor.get("data"), shape, count))
    try:
        return IdColumn.from_tensor(body, start, count)
    except ValueError as error:
        raise _wrong(IDS, str(error)) from None


def _count(shape: Any) -> int:
    sizes = shape if isinstance(shape, list) and len(shape) in (1, 2) else [-1]
    whole = all(type(size) is int and size >= 0 for size in sizes)
    if not whole or (len(sizes) == 2 and 1 not in sizes):
        raise _wrong("inputs[0].shape", "must be [n], [1, n] or [n, 1], with n ids")
    return prod(sizes)


def _is_binary(tensor: Mapping[str, Any], following: int) -> bool:
    """Whether the tensor is what follows the JSON object, which must be all of it."""
    parameters = tensor.get("parameters")
    parameters = {} if parameters is None else parameters
    if not isinstance(parameters, dict) or not parameters.keys() <= PARAMETERS:
        raise _wrong("inputs[0].parameters", "may hold binary_data_size and nothing else")
    size = parameters.get("binary_data_size")
    if size is None and not following:
        return False
    if size is not None and "data" in tensor:
        raise _wrong("inputs[0]", "has both data and binary_data_size")
    if type(size) is not int or size != following:
        message = f"is {shown(size)}, but {following} bytes follow the JSON object"
        raise _wrong("inputs[0].parameters.binary_data_size", message)
    return True


def _from_json(items: list[Any]) -> IdColumn:
    errors: list[FieldError] = []
    ids = read_ids(IDS, items, errors)
    if errors:
        raise InvalidRequest(errors)
    return ids


def _flat(data: Any, shape: list[int], count: int) -> list[Any]:
    """Return the elements of a tensor that is flat, or nested as its shape says."""
    if not isinstance(data, list):
        raise _wrong("inputs[0].data", f"is {shown(data)}, must be an array of strings")
    items: list[Any] = data
    rows = len(shape) == 2 and len(data) == shape[0]
    if rows and all(isinstance(row, list) and len(row) == shape[1] for row in data):
        items = [item for row in data for item in row]
    if len(items) != count:
        raise _wrong("inputs[0].data", f"has {len(items)} elements, but the shape is {shape}")
    return items


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([FieldError(field, message)])
