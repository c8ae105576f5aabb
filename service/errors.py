"""The tree of errors, the one table from error to HTTP status, and problem documents (RFC 9457).

Problem
|- MalformedBody          the client can't be read: mend the encoder
|  |- BrokenBody          ... because it broke off, or the client went away
|  |- NotHttp             ... by the server already
|- NotFound, MethodNotAllowed, UnsupportedMediaType, BodyTooLarge
|- InvalidRequest         the request can be read but is wrong: mend the fields it names
|- Overloaded             nothing is wrong: try again later, or elsewhere
|- Unavailable            this node can't answer: try another
|  |- FeaturesUnavailable  ... and its model forbids the prior in the place of features
|  |- CatalogNotLoaded     ... as it is still reading the arms
|- DeadlineExceeded       the caller's time is up
|- Internal               a bug of ours
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from starlette.exceptions import HTTPException

__all__ = [
    "PROBLEMS",
    "STATUS_OK",
    "BodyTooLarge",
    "BrokenBody",
    "CatalogNotLoaded",
    "DeadlineExceeded",
    "FeaturesUnavailable",
    "FieldError",
    "Internal",
    "InvalidRequest",
    "MalformedBody",
    "MethodNotAllowed",
    "NotFound",
    "NotHttp",
    "Overloaded",
    "Problem",
    "Unavailable",
    "UnsupportedMediaType",
    "as_problem",
]

STATUS_OK = 200


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(Exception):
    """An error that a caller is told about."""

    status: ClassVar[int]
    title: ClassVar[str]
    is_ours: ClassVar[bool] = False  # whether the operator has something to mend

    def __init__(self, detail: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = tuple(headers)
        self.errors: tuple[FieldError, ...] = ()

    def body(self, decision_id: str | None) -> bytes:
        """Return the problem document."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if decision_id is not None:
            document["decision_id"] = decision_id
        if self.errors:
            document["errors"] = self.errors
        return orjson.dumps(document)


class MalformedBody(Problem):
    """The body is not JSON."""

    status, title = 400, "The body is not JSON"


class BrokenBody(MalformedBody):
    """The body broke off, is not well-formed HTTP, or its sender is gone."""

    def __init__(self) -> None:
        super().__init__("the body broke off before it was complete")


class NotHttp(MalformedBody):
    """What came is no request of HTTP/1.1 or 1.0."""

    title = "Not a request of HTTP/1.1"

    def __init__(self) -> None:
        super().__init__("what came is not well-formed HTTP/1.1, or its head is too large")


class NotFound(Problem):
    """There is nothing at this path."""

    status, title = 404, "Not found"


class MethodNotAllowed(Problem):
    """The path knows other methods."""

    status, title = 405, "Method not allowed"


class BodyTooLarge(Problem):
    """The body is larger than the configured limit."""

    status, title = 413, "The body is too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"the limit is {limit} bytes")


class UnsupportedMediaType(Problem):
    """The content type or encoding is not JSON in UTF-8."""

    status, title = 415, "Unsupported media type"


class InvalidRequest(Problem):
    """Well-formed but wrong: every wrong field is named."""

    status, title = 422, "The request is not valid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = tuple(errors)


class Overloaded(Problem):
    """Too many requests are in flight."""

    status, title = 429, "Too many requests in flight"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} requests are in flight already", [(b"retry-after", b"1")])


class Unavailable(Problem):
    """No answer from this node now."""

    status, title, is_ours = 503, "Service unavailable", True


class FeaturesUnavailable(Unavailable):
    """Features could not be had and the model forbids the prior in their place."""


class CatalogNotLoaded(Unavailable):
    """A catalogue that is declared has not been read yet."""

    def __init__(self, name: str) -> None:
        retry = [(b"retry-after", b"1")]
        super().__init__(f"the catalogue {name!r} is not loaded yet", retry)


class DeadlineExceeded(Problem):
    """The deadline passed before the request had arrived, or the scores of its catalogue."""

    status, title = 504, "Deadline exceeded"


class Internal(Problem):
    """A bug. Nothing internal is told; the log has the stack trace."""

    status, title, is_ours = 500, "Internal error", True

    def __init__(self) -> None:
        super().__init__("an unexpected error; the log has its trace under the decision id")


PROBLEMS: tuple[type[Problem], ...] = (
    MalformedBody,
    NotFound,
    MethodNotAllowed,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidRequest,
    Overloaded,
    Unavailable,
    DeadlineExceeded,
    Internal,
)


def as_problem(error: Exception) -> Problem:
    """Return what a caller is told of an error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return _from_router(error)
    return Internal()


def _from_router(error: HTTPException) -> Problem:
    headers = [(k.lower().encode(), v.encode()) for k, v in (error.headers or {}).items()]
    for kind in (NotFound, MethodNotAllowed):
        if kind.status == error.status_code:
            return kind(error.detail, headers)
    return Internal()
